// Any bytes as what a sidecar answers: no crash; nothing is believed but series of the nodes that were asked for, and
// what was read can be written and read again.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/collectors/node/node_collector.h"
#include "agent/collectors/node/node_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace medic;
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (auto told = read_nodes_document(text, "c"))
        if (!read_nodes_document(nodes_document({*std::move(told)}), "c")) std::abort();
    NodeCollector collector({.cluster = "c",
                             .url = "http://h:1",
                             .target = "c/node/h:1",
                             .nodes = {{.name = "n", .role = "connect-worker", .zone = "", .status_command = {}}}});
    const auto asks = collector.begin({1'700'000'000'000});
    if (!collector.answer(asks.at(0), HttpAnswer{200, "application/json", text}).empty()) std::abort();
    const Observation seen = collector.finish();
    for (const auto& [labels, value] : seen.samples) {
        const bool ours = labels.get("node") == "n" || labels.get("worker") == "n";
        if (labels.get("cluster") != "c" || !ours || !std::isfinite(value)) std::abort();
    }
    if (seen.outcome == ScrapeOutcome::failed && !seen.samples.empty()) std::abort();
    return 0;
}
