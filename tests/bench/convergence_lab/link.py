# SPDX-License-Identifier: LGPL-2.1-or-later
"""The link between the hosts: its rate, and what went over it."""

import json


class Link:
    def __init__(self, hosts):
        self._hosts = hosts
        self._rate_mbit = None

    def limit(self, rate_mbit):
        if rate_mbit != self._rate_mbit:
            self._hosts.limit(rate_mbit)
            self._rate_mbit = rate_mbit

    def sent_bytes(self):
        """What host a has sent to b, headers included."""
        told = self._hosts.a.run(["ip", "-s", "-j", "link", "show", self._hosts.a.device]).stdout
        return json.loads(told)[0]["stats64"]["tx"]["bytes"]
