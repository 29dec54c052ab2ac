# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the beats of both ends tell: how long the guest was away, and how much of its work was not done.

Gaps are by the time of receipt. Work is by the guest's own clock, put on ours by the beats that came with the least delay,
so that a reader that was late costs nothing.
"""

import dataclasses

WINDOW_S = 4.0          # whole periods of the bursts, which last a second
PERIOD_US = 1_000_000
PAGES_PER_MIB = 256


@dataclasses.dataclass
class Pace:
    """The undisturbed guest: pages a second of its clock."""
    pages_per_s: float

    @classmethod
    def of_mib(cls, mib_per_s):
        return cls(mib_per_s * PAGES_PER_MIB)

    @classmethod
    def of(cls, beats):
        if not beats or beats[-1].guest_us - beats[0].guest_us < PERIOD_US:
            raise ValueError("the undisturbed guest was not heard for a second")
        first, last = beats[0], beats[-1]
        whole = int((last.guest_us - first.guest_us) // PERIOD_US) * PERIOD_US
        end = at_guest_time(beats, first.guest_us + whole)
        return cls((end - first.work) / (whole / 1e6))

    @property
    def mib_per_s(self):
        return self.pages_per_s / PAGES_PER_MIB


def at_guest_time(beats, guest_us):
    """Pages written by then, between two beats by the straight line."""
    for earlier, later in zip(beats, beats[1:]):
        if later.guest_us >= guest_us:
            share = (guest_us - earlier.guest_us) / (later.guest_us - earlier.guest_us)
            return earlier.work + share * (later.work - earlier.work)
    return beats[-1].work


def offset_s(beats):
    """Our clock less the guest's, by the beat that came the fastest."""
    return min(beat.received - beat.guest_us / 1e6 for beat in beats)


def between(beats, start, end):
    return [beat for beat in beats if start <= beat.received <= end]


def gaps_ms(beats):
    """(when it ended, how long) of each silence."""
    return [(later.received, 1000 * (later.received - earlier.received)) for earlier, later in zip(beats, beats[1:])]


def longest_ms(gaps):
    return max((length for _, length in gaps), default=None)


def blackout_ms(source, destination):
    """The longest silence from the source's last beat on: the switch, and what the guest then waits for pages. None: it
    did not move."""
    if not destination:
        return None
    return longest_ms(gaps_ms([*source[-1:], *destination]))


def done(before, after):
    """(seconds, pages written) between the last beat of `before` and one of `after` at the same phase of its period."""
    if not before or not after:
        raise ValueError("the guest was not heard before the move, or not after it")
    first = before[-1]
    start_s = first.guest_us / 1e6 + offset_s(before)
    phase_us = first.guest_us % PERIOD_US
    last_us = after[-1].guest_us
    end_us = last_us - (last_us - phase_us) % PERIOD_US
    if end_us < after[0].guest_us:
        raise ValueError("the guest was not listened to for a whole period after the move")
    end_s = end_us / 1e6 + offset_s(after)
    return end_s - start_s, at_guest_time(after, end_us) - first.work


def lost_s(counted_s, pages, pace):
    """Seconds of work that the undisturbed guest would have done besides."""
    return counted_s - pages / pace.pages_per_s
