"""What leads to AWS: a connection, and what is done with it."""

from __future__ import annotations

# Connection (None: boto3's own credential chain), region, role to assume, the external id which that role asks for.
Access = tuple[str | None, str | None, str | None, str | None]
