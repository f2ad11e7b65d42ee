"""The embedded fault proxy: `python -m blackstart.proxy`, speaking Toxiproxy's HTTP API.

    client ⇄ Half │ stages │ Half ⇄ upstream        one Connection: two halves, a pipeline of stages per direction

Every client for Toxiproxy 2.x drives it. What it does beyond Toxiproxy, each by an optional field of the same API:

* `lease` on a toxic (`{"pid": 4242}`, `{"seconds": 15}` or both): the toxic goes when its owner does;
* `stream: "both"`; the `distribution` of a latency's jitter; the `scope: "proxy"` of a bandwidth;
* the toxics `fail_first` (the first n connections fail) and `down` (new connections are refused, old ones kept or cut);
* `toxics` in `POST /proxies` and `POST /populate`: a proxy that is born with its toxics, or not at all;
* `--seed`: the same seed, names and order of connections give the same toxicity and the same jitter.

Nothing here waits for a connection: the API answers whatever the data plane does. To add a toxic, add a file to
`toxics/`.
"""
