"""A Spark cluster for one module of tests: a standalone master, two workers and a driver, all on loopback.

The processes are children of the tests and end with them: each worker, and so its executors, lies in a process group of
its own that is killed whatever happens.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
WORKERS = 2
START_SECONDS = 90
MISSING = "Java was not found: Spark needs a runtime. Install it with `apt-get install openjdk-17-jre-headless`."


@contextmanager
def spark_cluster(folder: Path, driver_gigabytes: int = 1) -> Iterator[Any]:
    """An Ibis connection to a Spark session on a cluster that writes nowhere but into `folder`."""
    if shutil.which("java") is None:
        raise RuntimeError(MISSING)
    import pyspark

    home = Path(pyspark.__file__).parent
    port = _free_port()
    environment = _environment(home, folder)
    with contextlib.ExitStack() as stack:
        master = ["Master", "--host", LOOPBACK, "--port", str(port), "--webui-port", "0"]
        stack.enter_context(_process(home, master, environment, folder / "master.log"))
        _wait_for(folder / "master.log", "I have been elected leader")
        for number in range(WORKERS):
            place = ["--host", LOOPBACK, "--webui-port", "0", "--cores", "1", "--memory", "1g"]
            worker = ["Worker", *place, "--work-dir", str(folder / f"work{number}"), f"spark://{LOOPBACK}:{port}"]
            stack.enter_context(_process(home, worker, environment, folder / f"worker{number}.log"))
        for number in range(WORKERS):
            _wait_for(folder / f"worker{number}.log", "Successfully registered with master")
        yield stack.enter_context(_connection(f"spark://{LOOPBACK}:{port}", environment, folder, driver_gigabytes))


def _environment(home: Path, folder: Path) -> dict[str, str]:
    # Every socket, that of the pages about the cluster too, is bound to this address.
    own = {"SPARK_LOCAL_IP": LOOPBACK, "SPARK_LOCAL_HOSTNAME": "localhost", "SPARK_HOME": str(home)}
    # Java spends less on making code fast than a few short queries would gain by it.
    own |= {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"}
    own |= {"SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_DIRS": str(folder / "local"), "SPARK_NO_DAEMONIZE": "1"}
    return {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")} | own


@contextmanager
def _process(home: Path, words: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    name = f"org.apache.spark.deploy.{words[0].lower()}.{words[0]}"
    command = [str(home / "bin" / "spark-class"), name, *words[1:]]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(log: Path, words: str) -> None:
    end = time.monotonic() + START_SECONDS
    while words not in (said := log.read_text(encoding="utf-8", errors="replace")):
        if time.monotonic() > end:
            raise RuntimeError(f"{log.name}: expected {words!r} within {START_SECONDS} s, found {said[-2000:]!r}")
        time.sleep(0.1)


@contextmanager
def _connection(master: str, environment: dict[str, str], folder: Path, gigabytes: int) -> Iterator[Any]:
    import ibis
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    before = dict(os.environ)
    os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})
    session = None
    try:
        session = (
            SparkSession.builder.master(master)
            .config("spark.driver.host", LOOPBACK)
            .config("spark.driver.bindAddress", LOOPBACK)
            .config("spark.driver.memory", f"{gigabytes}g")
            .config("spark.driver.maxResultSize", f"{gigabytes}g")
            .config("spark.executor.memory", "768m")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield ibis.pyspark.connect(session)
    finally:
        gateway = SparkContext._gateway
        if session is not None:
            session.stop()
        if gateway is not None:
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.kill()
            gateway.proc.wait()
            SparkContext._gateway = SparkContext._jvm = None
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])
