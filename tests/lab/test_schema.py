# SPDX-License-Identifier: LGPL-2.1-or-later
import unittest

from tests.lab.schema import Schema

CASES = [
    # version, command, arguments, what is wrong with it
    ("10.0", "migrate", {"uri": "tcp:h:1"}, None),
    ("10.0", "migrate", {"uri": 1}, "no string"),
    ("10.0", "migrate", {"url": "tcp:h:1"}, "knows no url"),
    ("11.1", "migrate", {"uri": "tcp:h:1", "detach": True}, "knows no detach"),
    ("5.2", "migrate", {"uri": "tcp:h:1", "detach": True}, None),
    ("5.2", "migrate", {}, "uri is missing"),
    ("5.2", "yank", {}, "no command yank"),
    ("10.0", "migrate-set-capabilities", {"capabilities": [{"capability": "xbzrle", "state": True}]}, None),
    ("10.0", "migrate-set-capabilities", {"capabilities": [{"capability": "warp", "state": True}]}, "not one of"),
    ("10.0", "migrate-set-capabilities", {"capabilities": [{"capability": "xbzrle", "state": 1}]}, "no boolean"),
    ("10.0", "migrate-set-capabilities", {"capabilities": {}}, "no array"),
    ("10.0", "migrate-set-parameters", {"tls-creds": None}, None),
    ("10.0", "migrate-set-parameters", {"downtime-limit": 300.5}, "no int"),
    ("10.0", "blockdev-add", {"driver": "nbd", "node-name": "n",
                              "server": {"type": "unix", "path": "/s"}}, None),
    ("10.0", "blockdev-add", {"driver": "nbd", "node-name": "n",
                              "server": {"type": "unix", "host": "h"}}, "path is missing"),
    ("11.1", "migrate", {"channels": [{"channel-type": "main", "addr": {
        "transport": "socket", "type": "inet", "host": "h", "port": "1"}}]}, None),
]


class Commands(unittest.TestCase):
    def test_accepts_and_refuses(self):
        for version, command, arguments, wrong in CASES:
            with self.subTest(version=version, command=command, arguments=arguments):
                said = Schema(version).check(command, arguments)
                if wrong is None:
                    self.assertIsNone(said)
                else:
                    self.assertIn(wrong, said or "")

    def test_out_of_band(self):
        self.assertIsNone(Schema("10.0").check("migrate-pause", oob=True))
        self.assertIsNotNone(Schema("10.0").check("query-migrate", oob=True))

    def test_strict_refuses_what_is_deprecated(self):
        self.assertIsNone(Schema("11.1").check("block-job-complete", {"device": "d"}))
        self.assertIn("deprecated", Schema("11.1").check("block-job-complete", {"device": "d"}, strict=True))
        self.assertIn("deprecated", Schema("10.0").check("query-migrationthreads", strict=True))

    def test_knows_names(self):
        self.assertIn("MIGRATION_PASS", Schema("5.2").events())
        self.assertIn("failing", Schema("11.1").migration_statuses())
        self.assertNotIn("mapped-ram", Schema("7.2").names())


if __name__ == "__main__":
    unittest.main()
