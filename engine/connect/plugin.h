// What a connector offers to the worker and to its task process. A connector is one file in connectors/ and one line in
// plugin.cc. Its code throws NamedException (or anything else) to fail its task, as a Java connector throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/connect/model.h"

namespace medic::engine::connect {

using RecordHeaders = std::vector<std::pair<std::string, std::string>>;

struct SourceRecord {
    std::string topic;
    std::optional<std::string> key;
    std::string value;
    std::int64_t timestamp_ms = 0;
    RecordHeaders headers{};
};

struct SinkRecord {
    std::string topic;
    int partition = 0;
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = 0;
    std::optional<std::string> key, value;
    RecordHeaders headers{};
};

struct TopicPartition {
    std::string topic;
    int partition = 0;
    auto operator<=>(const TopicPartition&) const = default;
};

// A source's place: an opaque JSON object for `partition` (which input) and for `offset` (how far), as Connect's REST
// shows them.
struct SourceOffset {
    std::string partition_json, offset_json;
};

// One task of a source connector. Called by one thread.
class SourceTask {
public:
    virtual ~SourceTask() = default;
    virtual void start(const Config& config, const std::optional<SourceOffset>& resume_after) = 0;
    // Waits up to `at_most` for records; none is fine.
    virtual std::vector<SourceRecord> poll(std::chrono::milliseconds at_most) = 0;
    virtual SourceOffset offset() = 0;  // The place after the records of the latest poll().
};

// One task of a sink connector. Called by one thread.
class SinkTask {
public:
    virtual ~SinkTask() = default;
    virtual void start(const Config& config) = 0;
    // Where to read on, where the sink knows better than the consumer group (exactly-once sinks); nullopt: the group's
    // offset.
    virtual std::optional<std::int64_t> open(const TopicPartition& partition) = 0;
    virtual void put(std::span<const SinkRecord> records) = 0;  // Durable when it returns.
};

struct Plugin {
    struct Option {
        std::string_view name;
        bool required = false;
        std::string_view what;
    };

    std::string_view class_name, alias;
    ConnectorType type = ConnectorType::source;
    std::vector<Option> options;
    std::function<std::unique_ptr<SourceTask>()> make_source;
    std::function<std::unique_ptr<SinkTask>()> make_sink;
    // Of a sink that keeps offsets itself: they are set in its own system as well (SinkConnector.alterOffsets of
    // KIP-875; nullopt: forgotten). Called while no task of it runs; throws as a task does.
    std::function<void(const Config&, const std::map<TopicPartition, std::optional<std::int64_t>>&)> alter_offsets{};
    int tasks_max = 1000;  // More than these are never started, whatever tasks.max says.
};

[[nodiscard]] const std::vector<Plugin>& plugins();
[[nodiscard]] const Plugin* find_plugin(std::string_view class_name_or_alias);

// Connect's complaints about a connector's configuration, one line each; empty: fine.
[[nodiscard]] std::vector<std::string> validate(const Config& config);
[[nodiscard]] int task_count(const Plugin& plugin, const Config& config);

// Helpers for connectors.
[[nodiscard]] std::string text_option(const Config& config, std::string_view name, std::string_view fallback = "");
[[nodiscard]] std::int64_t number_option(const Config& config, std::string_view name,
                                         std::int64_t fallback);  // Throws ConfigException.
[[nodiscard]] std::vector<std::string> list_option(const Config& config,
                                                   std::string_view name);  // Comma-separated, trimmed.

}  // namespace medic::engine::connect

namespace medic::engine::connectors {

connect::Plugin generator_source();
connect::Plugin file_source();
connect::Plugin file_sink();
connect::Plugin sqlite_sink();

}  // namespace medic::engine::connectors
