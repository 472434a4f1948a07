"""sseclient_source.py URL: reads the stream with sseclient-py and comes back with the last id, until it is killed.

One line of JSON an event: {"source": 0, "type": "message", "id": "0:1", "data": "..."}.
"""
import http.client
import json
import sys
import time
import urllib.request

import sseclient


def pieces(response):
    """What has arrived, as it arrives."""
    while piece := response.read1():
        yield piece


def main(url):
    last_id = None
    while True:
        headers = {"Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
                for event in sseclient.SSEClient(pieces(response)).events():
                    line = {"source": 0, "type": event.event, "id": event.id or "", "data": event.data}
                    print(json.dumps(line), flush=True)
                    last_id = event.id or last_id
        except (OSError, http.client.HTTPException):
            pass  # refused or cut: come back
        time.sleep(0.1)


main(sys.argv[1])
