# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs jobs, some at a time, of which only so many are live, and buries what they leave."""

import itertools
import os
import select
import shutil
import signal
import tempfile
import time

from tests.runner import processes

# Most tests wait for most of their time; two pairs of QEMUs keep two cores busy.
SLOTS = 3
LIVE_SLOTS = 2
LEAVE_S = 3.0     # for a job's processes to go after it


class Loop:
    """on_result(result) is called as they come, on_end(job) after a job's last one."""

    def __init__(self, environment, on_result, on_end=lambda job: None):
        self.environment = environment
        self.on_result = on_result
        self.on_end = on_end
        self.running = []
        self.pids = set()
        self.numbers = itertools.count()    # of the jobs' folders; a pid may come twice
        self.left = []
        # Short: sockets live below it. Tests that become another user go through it.
        self.folder = tempfile.mkdtemp(prefix="qt-")
        os.chmod(self.folder, 0o711)

    def run(self, jobs):
        """All of them, in this order as far as there is room."""
        processes.adopt_orphans()
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        waiting = list(jobs)
        try:
            while waiting or self.running:
                self._start(waiting)
                self._wait(reading)
                self._bury()
                for job in self.running:
                    job.check_time()
        finally:
            for job in self.running:
                job.kill()
                job.process.wait()
            signal.set_wakeup_fd(-1)
            os.close(reading)
            os.close(writing)
            self.left += self._orphans(None)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, waiting):
        for job in list(waiting):
            if any(other in waiting or other in self.running for other in job.after):
                continue
            if not self._has_room(job):
                if job.alone:
                    break    # what comes after it would keep it waiting
                continue
            waiting.remove(job)
            missing = [other.name for other in job.after if not other.passed]
            if missing:
                job.results.append(job.result("", "fail", 0, f"not run: {', '.join(missing)} failed"))
                self.on_result(job.results[-1])
                self.on_end(job)
                continue
            job.start(os.path.join(self.folder, str(next(self.numbers))), self.environment)
            self.pids.add(job.process.pid)
            self.running.append(job)

    def _has_room(self, job):
        if job.alone or any(other.alone for other in self.running):
            return not self.running
        live = sum(other.live for other in self.running)
        return len(self.running) < SLOTS and not (job.live and live >= LIVE_SLOTS)

    def _wait(self, wakeup):
        if not self.running:
            return
        left = min(job.deadline for job in self.running) - time.monotonic()
        pipes = {job.pipe: job for job in self.running if job.pipe is not None}
        ready, _, _ = select.select([wakeup, *pipes], [], [], max(0, min(left, 10)))
        for descriptor in ready:
            if descriptor == wakeup:
                os.read(wakeup, 4096)
            else:
                self._tell(pipes[descriptor].read())

    def _tell(self, results):
        for result in results:
            self.on_result(result)

    def _bury(self):
        """Ends the jobs that ended; orphans get a grave and no more."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            job = next((job for job in self.running if job.process.pid == found.si_pid), None)
            if job is None:
                os.waitpid(found.si_pid, 0)
            else:
                _, status, usage = os.wait4(found.si_pid, 0)
                job.process.returncode = os.waitstatus_to_exitcode(status)
                job.cpu_seconds = usage.ru_utime + usage.ru_stime
                self.running.remove(job)
                self._end(job)

    def _end(self, job):
        self._tell(job.finish())
        left = self._orphans(job)
        if not job.timed_out:
            self.left += job.left + [f"{job.name}: {what}" for what in left]
        shutil.rmtree(job.folder, ignore_errors=True)
        self.on_end(job)

    def _orphans(self, job):
        """Processes of a job that outlived it (None: of any): killed, after a moment to go by themselves."""
        pids = self._wait_for_orphans(job)
        left = [processes.describe(pid) for pid in pids]
        for pid in pids:
            processes.kill(pid, signal.SIGKILL)
        self._wait_for_orphans(job)
        return left

    def _wait_for_orphans(self, job):
        """Those that are still there when they had their time."""
        deadline = time.monotonic() + LEAVE_S
        while (pids := self._find_orphans(job)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return pids

    def _find_orphans(self, job):
        pids = processes.below(os.getpid(), [other.process.pid for other in self.running])
        return [pid for pid in pids if job is None or processes.speaks_of(pid, job.folder)]
