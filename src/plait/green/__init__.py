"""plait.green: cooperative concurrency with the names of gevent.

from plait import green

def task(name, delay):
    green.sleep(delay)
    return name

print([ended.value for ended in green.joinall([green.spawn(task, "a", 0.02), green.spawn(task, "b", 0.01)])])
"""

from plait.green.exceptions import LoopExit as LoopExit
from plait.green.greenlets import Greenlet as Greenlet
from plait.green.greenlets import idle as idle
from plait.green.greenlets import iwait as iwait
from plait.green.greenlets import joinall as joinall
from plait.green.greenlets import kill as kill
from plait.green.greenlets import killall as killall
from plait.green.greenlets import sleep as sleep
from plait.green.greenlets import spawn_raw as spawn_raw
from plait.green.greenlets import wait as wait
from plait.green.hub import get_hub as get_hub
from plait.green.hub import reinit as reinit
from plait.green.timeout import Timeout as Timeout
from plait.green.timeout import with_timeout as with_timeout
from plait.greenlet import GreenletExit as GreenletExit
from plait.greenlet import getcurrent as getcurrent

spawn = Greenlet.spawn
spawn_later = Greenlet.spawn_later
