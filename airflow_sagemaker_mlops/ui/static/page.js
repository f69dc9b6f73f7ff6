document.querySelector("main").textContent = "";
