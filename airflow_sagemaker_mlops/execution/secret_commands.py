"""A table of programs that accept a secret on their command line, with the secret's position, and its reader.

Options named like secrets (``--password``, ``--api-key``) need no entry; ``document/secret_names.py`` knows them.
Source of each entry: the manual page of the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..definition.secret_names import is_secret_name


@dataclass(frozen=True, slots=True)
class SecretOption:
    """One way in which ``programs`` accept a secret.  Lists are strings of words separated by spaces.

    options  the secret is the value: ``-a x``, ``-ax``, ``--a=x``
    apart    the same for options whose value is always the next word
    joined   the same for options whose value is never the next word
    after    the secret starts after this separator in the value: ``-u user:x``
    place    the secret is the word at this position, from 1, not counting options
    named    the secret is the word after one that names it: ``configure set aws_secret_access_key x``
    valued   options whose next word is their value; with ``place``
    when     regular expression of another word that must be present
    """

    programs: str
    options: str = ""
    apart: str = ""
    joined: str = ""
    after: str = ""
    place: int = 0
    named: bool = False
    valued: str = ""
    when: str = ""


TABLE = (
    SecretOption(
        "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlpump mysqlslap mysqlsh", joined="-p"
    ),
    SecretOption("mariadb mariadb-dump mariadb-admin mariadb-import 7z 7za 7zr rar unrar", joined="-p"),
    SecretOption("mongo mongosh mongodump mongorestore mongoimport mongoexport sshpass twine beeline", options="-p"),
    SecretOption("cqlsh cypher-shell rabbitmqadmin couchbase-cli exaplus ncftpget ncftpput", options="-p"),
    SecretOption("docker podman skopeo buildah helm crane az oc", options="-p", when="login"),
    SecretOption("sqlcmd bcp tsql zip unzip mosquitto_pub mosquitto_sub ipmitool", options="-P"),
    SecretOption("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldappasswd vsql", options="-w"),
    SecretOption("ldappasswd", options="-a -s"),
    SecretOption("redis-cli", options="-a"),
    SecretOption("snowsql", options="-m"),  # the passcode; "-p" is a port and passwords come from the environment
    SecretOption("snmpget snmpset snmpwalk snmpbulkwalk", options="-A -X -c"),
    SecretOption("xfreerdp", joined="/p:"),
    SecretOption(
        "keytool jarsigner", apart="-storepass -keypass -srcstorepass -deststorepass -srckeypass -destkeypass -new"
    ),
    SecretOption("openssl", apart="-k -K", when="enc"),
    SecretOption("openssl", apart="-hmac", when="dgst"),
    SecretOption("openssl", apart="-pass -passin -passout -password", after="pass:"),
    SecretOption("openssl", place=2, valued="-salt -in", when="passwd"),
    SecretOption("curl", options="-b"),  # cookies
    SecretOption("curl", options="-u --user -U --proxy-user -E --cert --proxy-cert", after=":"),
    SecretOption("http https", options="-a --auth", after=":"),
    SecretOption("etcdctl influx", options="--user -u", after=":"),
    SecretOption("smbclient rpcclient smbget", options="-U --user", after="%"),
    SecretOption("lftp", options="-u --user", after=","),
    SecretOption("sqlplus sqlldr expdp impdp", place=1, after="/"),
    SecretOption("htpasswd", place=2, valued="-C -r", when=r"-\w*n\w*"),
    SecretOption("htpasswd", place=3, valued="-C -r"),
    SecretOption("mosquitto_passwd", place=3, when="-b"),
    SecretOption("rabbitmqctl", place=3, when="add_user|change_password|authenticate_user"),
    SecretOption("vault wandb", place=2, valued="-method -path --host --entity", when="login"),
    SecretOption("mc", place=6, when="alias"),
    SecretOption("aws dvc poetry conda pip rclone snow", named=True, when="configure|config|remote"),
)

PROGRAMS = frozenset(program for entry in TABLE for program in entry.programs.split())
COMMAND = re.compile(
    r"(?<![A-Za-z0-9_.-])(?P<program>"
    + "|".join(re.escape(program) for program in sorted(PROGRAMS, key=len, reverse=True))
    + r")(?=\s)(?P<rest>[^\n|;&]{0,1000})"
)
WORD = re.compile(r"""(?P<blank>\s+)(?P<word>(?:"[^"]*"|'[^']*'|[^\s"'])+)""")
_CLUSTER = re.compile(r"-[A-Za-z]{2,4}")  # "curl -sSu user:x"


def secrets_of_command(program: str, words: Sequence[str]) -> dict[int, int]:
    """Positions of secrets in ``words``, the arguments of ``program``: index of the word -> first character in it."""
    found: dict[int, int] = {}
    for entry in TABLE:
        if program not in entry.programs.split():
            continue
        if entry.when and not any(re.fullmatch(entry.when, word) for word in words):
            continue
        for index, start in _values(entry, words):
            at = words[index].find(entry.after, start) if entry.after else start
            if at >= 0 and len(words[index]) > at + len(entry.after):
                found.setdefault(index, at + len(entry.after))
    return found


def _values(entry: SecretOption, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The words with values that ``entry`` describes, and where the values begin."""
    spaced, joined = {*entry.options.split(), *entry.apart.split()}, (*entry.options.split(), *entry.joined.split())
    places = 0
    for index, word in enumerate(words):
        before = words[index - 1] if index else ""
        if before in spaced or (_CLUSTER.fullmatch(before) and "-" + before[-1] in entry.options.split()):
            yield index, 0
        elif option := next((option for option in joined if _is_joined(option, word)), ""):
            yield index, len(option) + (word[len(option)] == "=")
        elif word.startswith("-") or before in entry.valued.split():
            continue
        elif entry.named and is_secret_name(before) and not before.startswith("-"):
            yield index, 0
        places += 1
        if places == entry.place and "=" not in word:
            yield index, 0


def _is_joined(option: str, word: str) -> bool:
    return word.startswith(option) and len(word) > len(option) and (len(option) <= 3 or word[len(option)] == "=")
