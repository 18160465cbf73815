import time


class Bench:
    name = "bench-python"
    version = "1.0.0"

    def execute(self, spin_ms=0, sleep_ms=0, steps=0, **rest):
        if steps:
            number = 0
            for step in range(steps):
                number += step * step
            return rest
        if not (spin_ms or sleep_ms):
            return rest
        self.report_progress(0.0, "")
        time.sleep(sleep_ms / 1000)
        end = time.monotonic() + spin_ms / 1000
        number = 0
        while time.monotonic() < end:
            for step in range(1000):
                number += step * step
        return rest

    def execute_stream(self, count=0):
        for index in range(count):
            yield {"index": index}
