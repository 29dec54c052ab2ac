# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys and certificates, made by GnuTLS' own tools."""

import os
import shutil
import subprocess
import tempfile

from tests.lab.vm import Machine


class Credentials:
    """A folder as QEMU reads it: keys.psk, ca-cert.pem, server-*.pem, client-*.pem."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix=Machine.prefix)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def add_psk(self):
        run("psktool", "--username", "qemu", "--pskfile", self.path("keys.psk"))
        return self

    def add_x509(self):
        self._key("ca")
        self._certificate("ca", "cn = lab\nca\ncert_signing_key\n", "--generate-self-signed")
        for name, more in (("server", "cn = there\ndns_name = there.example\ntls_www_server\n"),
                           ("client", "cn = here\ntls_www_client\n")):
            self._key(name)
            self._certificate(name, more + "signing_key\nencryption_key\n", "--generate-certificate",
                              "--load-ca-certificate", self.path("ca-cert.pem"),
                              "--load-ca-privkey", self.path("ca-key.pem"))
        return self

    def _key(self, name):
        run("certtool", "--generate-privkey", "--key-type", "rsa", "--bits", "2048", "--outfile", self.path(f"{name}-key.pem"))

    def _certificate(self, name, template, *how):
        run("certtool", *how, "--load-privkey", self.path(f"{name}-key.pem"), "--template",
            self.write(f"{name}.info", template), "--outfile", self.path(f"{name}-cert.pem"))

    def end(self):
        shutil.rmtree(self.folder, ignore_errors=True)



def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)
