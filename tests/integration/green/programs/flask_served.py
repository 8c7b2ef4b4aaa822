"""A Flask application as gunicorn serves it: one module, which asks for nothing of gevent by itself."""

import os
import socket
import time

import witness
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
here: list[bool] = []
most: list[int] = []


@app.get("/hello")
def hello():
    return "hello world"


@app.get("/witness")
def who():
    return jsonify(pid=os.getpid(), **witness.witness())


@app.get("/patched")
def patched():
    return jsonify([time.sleep.__module__.partition(".")[0], socket.socket.__module__.partition(".")[0]])


@app.get("/meet")
def meet():
    """How many were here at once, at most: one, in a worker that serves one after the other."""
    here.append(True)
    time.sleep(0.3)
    most.append(len(here))
    here.pop()
    return str(max(most))


@app.get("/slow")
def slow():
    time.sleep(float(request.args["seconds"]))
    return "slept"


@app.post("/sum")
def total():
    return jsonify(bytes=len(request.data), sum=sum(request.data))


@app.get("/stream")
def stream():
    return Response(f"line {number}\n" for number in range(100))


@app.get("/fail")
def fail():
    raise LookupError("of the application")
