"""Names that indicate secrets: one list, used wherever something is stored, logged or printed.

Sources: the default sensitive fields of Airflow's secrets masker, the keyword lists of gitleaks and detect-secrets, and
the documented environment variables of clients of databases, registries and model hubs.
"""

from __future__ import annotations

import functools
import re

# Match anywhere in the name, ignoring case and separators.
_PARTS = (
    "password", "passwd", "passphrase", "passcode", "passwort", "secret", "credential", "apikey", "accesskey",
    "privatekey", "connectionstring", "connstring", "sessionid", "cookie", "kubeconfig", "dockerconfigjson",
    "pincode", "keyfiledict",
)  # fmt: skip

# Match a whole word of the name.
_WORDS = frozenset(
    {
        "pwd", "pw", "auth", "authorization", "pat", "jwt", "otp", "totp", "dsn", "bearer", "creds", "cred", "sas",
        "csrf", "xsrf", "connstr", "pgpass", "netrc", "keytab", "webhook", "mnemonic", "sessid", "htpasswd",
    }
)  # fmt: skip

# Words that make a name ending with "key" a secret: purposes, then services that call their tokens keys.
_KEYS = frozenset(
    {
        "api", "access", "private", "signing", "sign", "encryption", "encrypt", "decryption", "cipher", "crypto", "aes",
        "master", "root", "ssh", "fernet", "account", "shared", "storage", "session", "deploy", "license", "licence",
        "hmac", "jwt", "rsa", "dsa", "ecdsa", "pgp", "gpg", "tls", "ssl", "service", "client", "consumer", "app",
        "application", "subscription", "admin", "auth", "server", "instrumentation", "integration", "write",
        "symmetric", "anthropic", "azure", "cohere", "comet", "databricks", "datadog", "dd", "elastic", "gcp", "gemini",
        "github", "gitlab", "google", "groq", "hf", "huggingface", "langchain", "langsmith", "mailgun", "mistral",
        "mlflow", "neptune", "newrelic", "ngc", "nvidia", "openai", "openrouter", "pinecone", "replicate", "sendgrid",
        "sentry", "slack", "snowflake", "stripe", "together", "twilio", "wandb",
    }
)  # fmt: skip

_JOINED_KEYS = ("sshkey", "fernetkey", "signingkey", "encryptionkey", "accountkey", "masterkey", "sharedkey")

# Last words of names that describe a secret (``credential_provider``, ``password_file``) or name an error.
_ABOUT = frozenset(
    {
        "provider", "providers", "manager", "backend", "store", "source", "type", "kind", "mode", "method", "policy",
        "scope", "scopes", "path", "file", "dir", "directory", "folder", "arn", "arns", "name", "names", "field",
        "column", "prefix", "version", "format", "length", "len", "size", "min", "max", "count", "limit", "ttl",
        "age", "expiry", "expiration", "expires", "rotation", "days", "hours", "minutes", "seconds", "ms", "timeout",
        "retries", "attempts", "enabled", "disabled", "required", "endpoint", "region", "error", "exception",
        "warning", "failure", "domain", "samesite", "httponly",
    }
)  # fmt: skip

# First words of error codes (``InvalidToken``, ``MissingAuthenticationToken``) and of switches (``use_credentials``).
_MISSED = frozenset(
    {"no", "invalid", "expired", "missing", "unrecognized", "unknown", "without", "use", "require", "requires", "has"}
)

# Harmless words that begin like secrets.
_LOOKALIKES = re.compile("cookiecutter|passwordless|secretsmanager|secretar")

# Keys that are addresses or columns, even if their values look random.
_HARMLESS_KEYS = frozenset(
    {"kms", "s3", "object", "partition", "sort", "primary", "foreign", "public", "routing", "cache"}
)

# "pass" is a password at the end of a name (DB_PASS), but not if passes are counted or numbered.
_PASSES = frozenset(
    {
        "first", "second", "third", "last", "next", "single", "multi", "one", "two", "per", "by", "num", "n", "max",
        "min", "forward", "backward", "low", "high", "band", "all",
    }
)  # fmt: skip

# Members of AWS requests, and settings, that are named like secrets but are not.
_HARMLESS = frozenset({"clientrequesttoken", "clienttoken", "nexttoken", "tokenizer", "authtype", "authmode"})

_COUNTED_TOKENS = re.compile(r"(?i)(?:max|min|num|pad|eos|bos|unk|sep|cls|mask)\w*token|token\w*(?:id|count|len)")
_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9+=_~-]{20,}")


@functools.lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a value under ``name`` is a secret: ``DB_PASSWORD``, ``apiKey``, ``FERNET_KEY``; not ``max_tokens``."""
    words = _words(name)
    joined = "".join(words)
    if joined in _HARMLESS or (words[-1:] and (words[-1] in _ABOUT or words[0] in _MISSED)):
        return False
    parts = _LOOKALIKES.sub("", joined)
    return (
        any(part in parts for part in _PARTS)
        or not _WORDS.isdisjoint(words)
        or any(word.endswith("token") for word in words)
        or (words[-1:] == ("pass",) and _PASSES.isdisjoint(words))
        or (words[-1:] == ("key",) and not _KEYS.isdisjoint(words[:-1]))
        or joined.endswith(_JOINED_KEYS)
    )


def holds_secret(name: str, value: object) -> bool:
    """Whether ``value`` under ``name`` is a secret, not a setting, a secret's address or a number of tokens."""
    if value in (None, "") or isinstance(value, bool):
        return False
    text = str(value)
    if not is_secret_name(name):
        return _is_random_key(name, text)
    if text.startswith("arn:"):
        return False
    return not (text.lstrip("-").isdigit() and _COUNTED_TOKENS.search(name))


def may_hold_secret(name: str) -> bool:
    """Whether :func:`holds_secret` can be true of ``name``, whatever the value is."""
    return is_secret_name(name) or _words(name)[-1:] == ("key",)


def _is_random_key(name: str, text: str) -> bool:
    """Whether ``name`` is some service's key (``ACME_KEY``) and ``text`` looks like one."""
    words = _words(name)
    named = len(words) > 1 and words[-1] == "key" and _HARMLESS_KEYS.isdisjoint(words)
    return named and _RANDOM.fullmatch(text) is not None


@functools.lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word)
