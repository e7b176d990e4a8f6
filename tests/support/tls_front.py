#!/usr/bin/env python3
"""A TLS server in front of a plain one: what it decrypts goes to a port of this machine.

    tls_front.py CERTIFICATE KEY PORT [CLIENT_CA]

With CLIENT_CA it demands a certificate of the client. Prints its port, then a line per connection: "accepted", or
"refused" when there was no TLS with the client. Ends with its standard input.
"""
import os
import socket
import ssl
import sys
import threading

certificate, key, port, *client_ca = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
if client_ca:
    context.load_verify_locations(client_ca[0])
    context.verify_mode = ssl.CERT_REQUIRED


def pass_on(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client):
    try:
        secured = context.wrap_socket(client, server_side=True)
        if client_ca:  # in TLS 1.3 a client's certificate is refused only after the handshake
            secured.getpeercert()
    except OSError:  # ssl.SSLError is one
        print("refused", flush=True)
        return
    print("accepted", flush=True)
    plain = socket.create_connection(("127.0.0.1", int(port)))
    threading.Thread(target=pass_on, args=(plain, secured), daemon=True).start()
    pass_on(secured, plain)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
