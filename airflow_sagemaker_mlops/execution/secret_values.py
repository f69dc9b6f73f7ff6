"""The formats of secrets, whatever their names.  ``secret_commands.py`` handles secrets on command lines.

Every service documents the prefix of its tokens so that scanners can find them; each pattern is listed with its
services.  Only unambiguous prefixes are listed.  All patterns are linear in the length of the text.
"""

from __future__ import annotations

import re

# Each at the beginning of a word.
_TOKENS: tuple[tuple[str, str], ...] = (
    ("AWS access key id", r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Z])"),
    ("AWS Bedrock API key", r"(?:ABSK|bedrock-api-key-)[A-Za-z0-9+/=]{20,}"),
    ("GitHub", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    (
        "GitLab",
        r"gl(?:pat|rt|dt|ptt|cbt|ft|soat|agent|oas|imt|ffct)-[A-Za-z0-9_.-]{16,}|GR1348941[A-Za-z0-9_-]{16,}",
    ),
    ("Bitbucket and Atlassian", r"AT(?:ATT3|BB|CTT3)[A-Za-z0-9_=-]{20,}"),
    ("Slack", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}"),
    ("Hugging Face", r"(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    (
        "OpenAI, Anthropic, OpenRouter, Langfuse",
        r"sk-(?:(?:proj|svcacct|admin|ant-[a-z0-9]{1,8}|or-v[0-9]|lf)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9_]{20,})",
    ),
    (
        "Groq, NVIDIA, Replicate, xAI",
        r"gsk_[A-Za-z0-9]{20,}|nvapi-[A-Za-z0-9_-]{20,}|r8_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}",
    ),
    (
        "LangSmith, Pinecone, Perplexity",
        r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}|pcsk_[A-Za-z0-9_]{20,}|pplx-[A-Za-z0-9]{20,}",
    ),
    ("Stripe", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{10,}"),
    (
        "Square, PayPal, Shopify",
        r"sq0[a-z]{3}-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{56,}|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}",
    ),
    ("Google", r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{10,}|GOCSPX-[A-Za-z0-9_-]{10,}|1//0[A-Za-z0-9_-]{20,}"),
    ("Databricks", r"dapi[a-f0-9]{32}(?:-[0-9])?|dose[a-f0-9]{32}"),
    ("HashiCorp Vault and Terraform", r"hv[sbr]\.[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{20,}"),
    (
        "npm, PyPI, RubyGems, Docker",
        r"npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{20,}|rubygems_[a-f0-9]{20,}|"
        r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}",
    ),
    (
        "SendGrid, Mailgun, Mailchimp",
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[a-f0-9]{32}|[a-f0-9]{32}-us[0-9]{1,2}(?![0-9])",
    ),
    ("Twilio", r"SK[a-f0-9]{32}(?![a-f0-9])"),
    (
        "DigitalOcean, Heroku, Fly",
        r"do[opr]_v1_[a-f0-9]{20,}|HRKU-[A-Za-z0-9_-]{20,}|fo1_[A-Za-z0-9_-]{20,}|"
        r"fm[12][ar]?_[A-Za-z0-9+/=_-]{40,}",
    ),
    (
        "Grafana, Sentry, New Relic, Datadog",
        r"gl(?:c|sa)_[A-Za-z0-9+/=_]{20,}|sntry[su]_[A-Za-z0-9+/=_]{20,}|NR(?:AK|JS|II)-[A-Za-z0-9_-]{16,}",
    ),
    (
        "Doppler, Pulumi, Linear, Notion, Figma, Postman",
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{20,}|pul-[a-f0-9]{20,}|lin_api_[A-Za-z0-9]{20,}|"
        r"(?:ntn|secret)_[A-Za-z0-9]{30,}|figd_[A-Za-z0-9_-]{20,}|PMAK-[a-f0-9-]{20,}",
    ),
    (
        "Artifactory, Tailscale, age, 1Password",
        r"AKCp[A-Za-z0-9]{20,}|tskey-[A-Za-z0-9-]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|"
        r"ops_eyJ[A-Za-z0-9+/=_-]{20,}",
    ),
    ("Telegram", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}"),
    ("JSON Web Token", r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]*"),
    ("private key in Base64", r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{20,}"),
)

VALUES = re.compile(
    r"(?<![A-Za-z0-9_-])(?:" + "|".join(pattern for _, pattern in _TOKENS) + ")"
    r"""
    | -----BEGIN[\ A-Z]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----.*?(?:-----END[\ A-Z]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)
    | (?<=[Bb]earer\ )[^\s"',;]+ | (?<=BEARER\ )[^\s"',;]+
    | (?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[^\s"'<>]+
    | (?<=/bot)[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}
    | (?<=/api/webhooks/)[0-9]+/[^\s"'<>/]+
    | (?<=\.webhook\.office\.com/)[^\s"'<>]+
    | (?<=://)[^\s/:@"']*:[^\s/@"']+(?=@)
    | (?<=://)[A-Za-z0-9_-]{20,}(?=@)
    """,
    re.VERBOSE | re.DOTALL,
)

# AWS secret access keys have no prefix: the whole text is 40 characters of all three kinds.
SECRET_ACCESS_KEY = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9/+]{40}")

# A URL query; these names are secrets only in a query.
QUERY = re.compile(r"""(?P<before>[?&](?P<name>[A-Za-z][A-Za-z0-9_.-]{0,60})=)(?P<value>[^&\s"'<>\\]+)""")
QUERY_NAMES = frozenset({"sig", "signature", "x-amz-signature", "x-goog-signature", "key", "code", "hmac"})

HEADER = re.compile(
    r"""(?i)\b(?P<name>(?:(?:proxy-)?authorization|(?:set-)?cookie)["']?\s*[=:]\s*["']?)(?P<value>[^"'\r\n]+)"""
)
SCHEME = re.compile(r"(?i)(?:basic|bearer|digest|token|apikey|negotiate)\s+(\S+)")
ELEMENT = re.compile(r"(?P<before><(?P<name>[A-Za-z][A-Za-z0-9_.:-]{0,80})>)(?P<value>[^<>]{1,4000})(?=</)")
NETRC = re.compile(r"(?P<before>\blogin\s{1,20}[^\s]{1,200}\s{1,20}password\s{1,20})(?P<value>[^\s]+)")
# Sentences: "password is hunter2", "API key for ada: hunter2", "password 'hunter2'", "password hunter2".
SAID = re.compile(
    r"""(?i)(?<![A-Za-z0-9])(?P<before>
        (?P<name>pass\ ?(?:word|phrase|code)|passwd|pwd|pw|secret|token|credential|bearer
            |(?:api|access|secret|private|account|license|signing|encryption|auth)[ ]key|connection[ ]string)s?
        (?P<of>[ ](?:for|of)(?:[ ][\w@.-]{1,40}){1,3}?)?
        (?:\s+(?:is|was|are|were)(?:[ ]now)?(?:\s*:)?\s+|(?P<sign>\s*[:=]\s*)|[ ](?=["'])|(?(of)(?!)|(?P<bare>[ ])))
    )
    (?P<value>"[^"\n]+"|'[^'\n]+'|[^\s,;"'()<>{}\[\]\\]+)""",
    re.VERBOSE,
)
BARE = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])\S{6,}")  # a value with no verb or sign before it
# Words that follow names of secrets in sentences.  An unquoted password that is one of them is not masked.
SAID_OF_SECRETS = frozenset(
    """a an the this that no not none null true false yes in on at of for from to by with as and or but if when
    required optional needed missing absent empty blank set unset given provided supplied present available defined
    wrong incorrect invalid valid bad correct weak strong rejected refused denied accepted expired revoked rotated
    disabled enabled locked unknown unsupported unavailable undefined unable failed failure error too only also never
    now still already being been has have had must should can cannot could may might will would shall does did do is
    was are were read stored saved kept hidden masked encrypted hashed sent passed taken used reset changed found
    string text here there it its your their one""".split()  # noqa: SIM905
)
NOTHING = re.compile(r"(?:None|null|undefined|\.\.\.)[)\]}]{0,9}")
# A type annotation in Python or TypeScript, with or without a value after it.
ANNOTATION = re.compile(
    r"""\s*:\s*(?:[A-Za-z_]{1,20}\.)?
    (?:str|bytes|int|float|bool|object|Any|Optional|Union|Secret|SecretStr|dict|list|tuple|string|number|boolean)\b
    (?:\[[^\]\n=]{0,80}\]{1,3})?(?:\s*\|\s*(?:None|str|bytes|null|undefined))*\s*(?P<next>=(?!=)\s*|[,)\r\n]|\Z)""",
    re.VERBOSE,
)
