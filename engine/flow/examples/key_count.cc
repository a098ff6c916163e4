// Counts the records of a topic per key, as they come, and writes each new count to files exactly once.
// --bootstrap HOST:PORT --topic T --group G --output DIR
#include "engine/flow/api/flow.h"

MEDIC_FLOW_JOB(environment, parameters) {
    using namespace medic::engine::flow;
    using Keyed = std::pair<std::string, std::int64_t>;  // Key and how often it has come.
    environment.name("key-count");
    environment
        .kafka_source<std::string>(
            "records",
            {.bootstrap = parameters.require("bootstrap"),
             .topic = parameters.require("topic"),
             .group_id = parameters.get("group", "key-count"),
             .start = StartFrom::earliest},
            [](const SourceRecord& record, Collector<std::string>& out) { out.emit(std::string(record.key)); },
            {.idle_timeout_ms = 2'000})
        .key_by([](const std::string& key) { return key; })
        .process<std::int64_t, Keyed>("count", [](const std::string& key, std::int64_t& count, const std::string&,
                                                  Collector<Keyed>& out) { out.emit({key, ++count}); })
        .sink_files("counts", {.directory = parameters.require("output")},
                    [](const Keyed& keyed) { return keyed.first + " " + std::to_string(keyed.second); });
}
