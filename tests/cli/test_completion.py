# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bash offers behind a half-typed line is what the program takes."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.cli import program

LIBRARY = pathlib.Path("/usr/share/bash-completion/bash_completion")
SCRIPT = """
. "$LIBRARY"
. "$COMPLETION"
COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9
shift
COMP_WORDS=("$@")
COMP_CWORD=$(( $# - 1 ))
_qmpmig "$PROGRAM" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(line, environment=None, folder=None, binary=None):
    """COMPREPLY for a line with the cursor at its end, parted as readline parts it: = and : stand alone."""
    words = re.findall(r"[:=]+|[^\s:=]+", line)
    if not line or line[-1].isspace():
        words.append("")
    process = subprocess.run(
        ["bash", "-c", SCRIPT, "bash", line, *words], capture_output=True, text=True, check=False, cwd=folder,
        timeout=30, env={"PATH": os.environ["PATH"], "LIBRARY": LIBRARY, "LC_ALL": "C.UTF-8", "HOME": "/",
                         "COMPLETION": program.TOP / "packaging/completions/qmpmig",
                         "PROGRAM": binary or program.BINARY, **(environment or {})})
    return set(process.stdout.split())


@unittest.skipUnless(LIBRARY.exists(), "bash-completion is not here")
class Completion(unittest.TestCase):
    def test_knows_the_commands(self):
        self.assertEqual(offered("qmpmig "), set(program.commands()))
        self.assertEqual(offered("qmpmig mi"), {"migrate"})
        self.assertEqual(offered("qmpmig help mi"), {"migrate"})
        self.assertEqual(offered("qmpmig --json -s /run/x mi"), {"migrate"})

    def test_offers_each_option_of_each_command_and_no_other(self):
        for command in program.commands():
            self.assertEqual(offered(f"qmpmig {command} --"), set(program.options(command)), command)

    def test_knows_a_command_that_stands_behind_options(self):
        self.assertIn("--watch", offered("qmpmig --socket migrate status --w"))
        self.assertNotIn("--dest-socket", offered("qmpmig --color never status --"))

    def test_knows_the_words_that_an_option_takes(self):
        for command in program.commands():
            for option, argument in program.options(command).items():
                if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", argument):
                    self.assertEqual(offered(f"qmpmig {command} {option} "), set(argument.split("|")))
                    self.assertEqual(offered(f"qmpmig {command} {option}="), set(argument.split("|")))

    def test_narrows_down(self):
        self.assertEqual(offered("qmpmig migrate --postcopy n"), {"now", "never"})
        self.assertEqual(offered("qmpmig migrate --postcopy=ne"), {"never"})
        self.assertEqual(offered("qmpmig migrate --tls x"), {"x509,dir="})
        self.assertEqual(offered("qmpmig migrate --compress z"), {"zlib", "zstd"})
        self.assertEqual(offered("qmpmig migrate --bandwidth "), {"unlimited"})

    def test_leaves_the_next_word_to_the_uri_after_an_optional_argument(self):
        self.assertEqual(offered("qmpmig migrate --multifd tc"), {"tcp:"})
        self.assertEqual(offered("qmpmig migrate --multifd=4 fi"), {"file:"})

    def test_offers_files_where_a_file_is_due(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "one.conf").touch()
            self.assertEqual(offered("qmpmig --config on", folder=folder), {"one.conf"})
            self.assertEqual(offered("qmpmig migrate --trace=on", folder=folder), {"one.conf"})

    def test_offers_the_traces_and_files_to_report(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "web.jsonl").touch()
            os.mkdir(f"{folder}/traces")
            pathlib.Path(folder, "traces", "web1-20261120T100000Z-0a1b.jsonl").write_text(
                '{"type":"header","t_us":0,"format":"qmpmig-1"}\n', encoding="utf-8")
            known = {"environment": {"STATE_DIRECTORY": folder}, "folder": folder}
            self.assertEqual(offered("qmpmig report w", **known), {"web.jsonl", "web1-20261120T100000Z-0a1b"})
            self.assertEqual(offered("qmpmig report --against=web1", **known), {"web1-20261120T100000Z-0a1b"})

    def test_offers_the_sockets_of_the_host(self):
        with tempfile.TemporaryDirectory() as folder:
            self.fake(folder)
            sockets = offered("qmpmig -s /run/", folder=folder, binary=f"{folder}/qmpmig")
            self.assertLessEqual({"/run/web1.qmp", "/run/db.qmp"}, sockets)  # beside the files that are there
            self.assertEqual(offered("qmpmig migrate --dest-socket=/run/w", binary=f"{folder}/qmpmig"),
                             {"/run/web1.qmp"})

    def test_offers_the_policies(self):
        self.assertEqual(offered("qmpmig policies d"), {"deadline", "downtime"})
        self.assertEqual(offered("qmpmig migrate --policy d"), {"deadline", "downtime"})
        self.assertEqual(offered("qmpmig migrate --policy=cl"), {"classic"})

    def test_asks_the_vm_of_the_line_for_its_capabilities(self):
        with tempfile.TemporaryDirectory() as folder:
            self.fake(folder)
            binary = f"{folder}/qmpmig"
            self.assertEqual(offered("qmpmig -s /run/web1.qmp migrate --cap po", binary=binary),
                             {"postcopy-ram=on", "postcopy-ram=off"})
            self.assertEqual(offered("qmpmig -s /run/web1.qmp migrate --cap postcopy-ram=", binary=binary),
                             {"on", "off"})
            self.assertEqual(offered("qmpmig migrate --cap po", binary=binary), set())
            self.assertEqual(offered("qmpmig migrate --cap po", environment={"QMPMIG_SOCKET": "/run/web1.qmp"},
                                     binary=binary), {"postcopy-ram=on", "postcopy-ram=off"})
            self.assertEqual(offered("qmpmig -s /run/web1.qmp set down", binary=binary), {"downtime-limit="})

    def fake(self, folder):
        """A qmpmig beside which two VMs run."""
        path = pathlib.Path(folder, "qmpmig")
        path.write_text(f"""#!/bin/bash
case "$*" in
"list --json") printf '%s\\n' '{{"type":"vm","monitors":[{{"address":"unix:/run/web1.qmp"}}]}}' \\
                              '{{"type":"vm","monitors":[{{"address":"unix:/run/db.qmp"}}]}}' ;;
"--socket /run/web1.qmp capabilities --json") echo '{{"type":"capabilities","capabilities":[{{"name":"postcopy-ram","value":true}},{{"name":"xbzrle","value":false}}]}}' ;;
"--socket /run/web1.qmp get") printf '%s\\n' 'downtime-limit   300 ms' 'max-bandwidth    unlimited' ;;
*) exec {program.BINARY} "$@" ;;
esac
""")
        path.chmod(0o755)


if __name__ == "__main__":
    unittest.main()
