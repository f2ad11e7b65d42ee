"""`gateway.*`: the drills of the gateway, C-01 to C-05, and its baseline."""

from blackstart.tasks._suites import collection

namespace = collection("gateway", "gateway")
