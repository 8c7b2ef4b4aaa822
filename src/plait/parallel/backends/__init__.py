"""What a loop runs its batches on: worker processes, worker threads, or the caller itself."""

from plait.parallel.backends.base import Runner as Runner
from plait.parallel.backends.execute import run_here as run_here
from plait.parallel.backends.processes import Processes as Processes
from plait.parallel.backends.registry import GREEN as GREEN
from plait.parallel.backends.registry import PROCESSES as PROCESSES
from plait.parallel.backends.registry import SEQUENTIAL as SEQUENTIAL
from plait.parallel.backends.registry import THREADING as THREADING
from plait.parallel.backends.registry import backend_name as backend_name
from plait.parallel.backends.registry import runner as runner
from plait.parallel.backends.sequential import InPlace as InPlace
from plait.parallel.backends.threads import Threads as Threads
