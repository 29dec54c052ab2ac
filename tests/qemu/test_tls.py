# SPDX-License-Identifier: LGPL-2.1-or-later
"""Encrypted streams."""

import unittest

from tests.qemu.credentials import Credentials
from tests.qemu.move import Between, MoveTest, Settings

PLENTY = 1000000


class OtherFiles:
    """A host on which one folder holds what is in another one here."""

    def __init__(self, folder, instead):
        self.command = f'mount --bind "{instead}" "{folder}" && exec "$0" "$@"'

    def prefix(self):
        return ["unshare", "--mount", "sh", "-c", self.command]


class TlsTest(MoveTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.credentials = Credentials().add_psk().add_x509()
        cls.addClassCleanup(cls.credentials.end)

    def tls(self, kind, **more):
        return ("--tls", ",".join([kind, f"dir={self.credentials.folder}", *(f"{k}={v}" for k, v in more.items())]))

    def assert_goes_encrypted(self, hop, uri, *options):
        before = Settings(hop.source)
        with self.live(hop, uri, *options, "--on-success", "keep"):
            during = Settings(hop.source), Settings(hop.destination)
        self.assert_arrived(hop, self.qmpmig.started[0].record)
        for settings in during:
            self.assertTrue(settings.parameters["tls-creds"])
            self.assertIn(settings.parameters["tls-creds"], settings.objects)
        self.assertEqual(Settings(hop.source), before)
        return during

    def assert_refused_there(self, hop, uri, *options):
        """The other end does not let it in, and nothing of it is left at the source."""
        before = Settings(hop.source)
        record = self.qmpmig.migrate(hop, uri, *options).record
        self.assert_stays(hop, record.result, "failed", 10)
        self.assertEqual(Settings(hop.source), before)
        return record.result["text"]


class Psk(TlsTest):
    def test_with_a_shared_key(self):
        with self.hop() as hop:
            self.assert_goes_encrypted(hop, "tcp:127.0.0.1:0", *self.tls("psk"))

    def test_nothing_of_the_guest_can_be_read_on_the_way(self):
        for options in ((), ("--multifd",)):
            with self.subTest(options), Between() as between, self.hop(**between.options) as hop:
                between.proxy.corrupt(PLENTY)
                self.assert_goes_encrypted(hop, between.uri, *self.tls("psk"), *options)
                self.assertGreater(between.proxy.forwarded, 20 << 20)
                self.assertEqual(between.proxy.corrupt_after, PLENTY)
                self.qmpmig.started.clear()

    def test_without_encryption_it_could_be_read(self):
        with Between() as between, self.hop(**between.options) as hop:
            between.proxy.corrupt(PLENTY)
            self.assert_arrived(hop, self.qmpmig.migrate(hop, between.uri).record)
            self.assertLess(between.proxy.corrupt_after, PLENTY)

    def test_a_wrong_key_is_refused_and_the_guest_stays(self):
        other = Credentials().add_psk()
        self.addCleanup(other.end)
        with self.hop(host=OtherFiles(self.credentials.folder, other.folder)) as hop:
            self.assertIn("TLS handshake failed", self.assert_refused_there(hop, "tcp:127.0.0.1:0", *self.tls("psk")))

    def test_a_folder_without_keys_is_refused_with_qemus_words(self):
        with self.hop() as hop:
            before = Settings(hop.source), Settings(hop.destination)
            record = self.qmpmig.migrate(hop, "tcp:127.0.0.1:0", "--tls", f"psk,dir={hop.folder}").record
            self.assert_stays(hop, record.result, "failed", 10)
            self.assertIn("keys.psk", record.result["error"]["text"])
            self.assertEqual((Settings(hop.source), Settings(hop.destination)), before)


class X509(TlsTest):
    def test_with_certificates_and_the_name_in_them(self):
        with self.hop() as hop:
            source, _ = self.assert_goes_encrypted(hop, "tcp:127.0.0.1:0", *self.tls("x509", hostname="there.example"))
            self.assertEqual(source.parameters["tls-hostname"], "there.example")

    def test_over_unix_with_a_name(self):
        with self.hop() as hop:
            self.assert_goes_encrypted(hop, hop.uri(), *self.tls("x509", hostname="there.example"))

    def test_a_certificate_for_another_name_is_refused_and_the_guest_stays(self):
        with self.hop() as hop:
            self.assertIn("does not match the hostname",
                          self.assert_refused_there(hop, "tcp:127.0.0.1:0", *self.tls("x509", hostname="elsewhere")))

    def test_a_client_that_is_authorised_by_its_name(self):
        with self.hop() as hop:
            _, destination = self.assert_goes_encrypted(
                hop, "tcp:127.0.0.1:0", *self.tls("x509", hostname="there.example", authz="CN=here"))
            self.assertTrue(destination.parameters["tls-authz"])
            self.assertIn(destination.parameters["tls-authz"], destination.objects)

    def test_a_client_that_is_authorised_by_an_object_of_the_operators(self):
        with self.hop() as hop:
            hop.destination.witness.call("object-add", {"qom-type": "authz-list", "id": "friends", "policy": "deny",
                                                        "rules": [{"match": "CN=h*", "format": "glob", "policy": "allow"}]})
            _, destination = self.assert_goes_encrypted(
                hop, "tcp:127.0.0.1:0", *self.tls("x509", hostname="there.example", authz="friends"))
            self.assertEqual(destination.parameters["tls-authz"], "friends")
            self.assertIn("friends", Settings(hop.destination).objects)

    def test_a_client_that_is_not_authorised_is_refused_and_the_guest_stays(self):
        with self.hop() as hop:
            self.assert_refused_there(hop, "tcp:127.0.0.1:0",
                                      *self.tls("x509", hostname="there.example", authz="CN=somebody"))


if __name__ == "__main__":
    unittest.main()
