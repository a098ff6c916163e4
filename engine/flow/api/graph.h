// The job as its entry function described it: nodes and edges, before they are chained and spread. Filled by flow.h,
// read by the engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/flow/api/operator.h"

namespace medic::engine::flow {

enum class StartFrom : std::uint8_t {
    group_offsets,
    earliest,
    latest
};  // Without a checkpoint; group_offsets falls back to earliest.

struct KafkaSourceOptions {
    std::string bootstrap;  // "host:port,host:port"
    std::string topic;
    std::string
        group_id;  // Offsets are committed to it when a checkpoint completes, so that lag can be seen; "" commits none.
    StartFrom start = StartFrom::group_offsets;
};

struct GeneratorOptions {
    int partitions = 4;                       // Fixed, whatever the parallelism: they are what checkpoints remember.
    std::int64_t records_per_partition = -1;  // -1: never ends.
    double records_per_second = 0;            // Over all partitions; 0: as fast as the job takes them.
};

struct WatermarkSpec {
    std::int64_t max_out_of_orderness_ms = 0;
    std::int64_t idle_timeout_ms =
        0;  // A partition silent for so long no longer holds the watermark back; 0: never idle.
};

enum class Shipping : std::uint8_t { forward, hash, rebalance };

struct Node {
    std::string uid;  // State is found again by it: never change it between versions. Defaults to the name.
    std::string name;
    int parallelism = 0;  // 0: the job's.
    int state_version =
        1;  // A checkpoint with another version is refused; raise it when the bytes of the state change.
    bool stateful = false;
    bool new_chain = false;  // Starts its own task, even where it could be chained.

    int input = -1;     // Index of the node it reads; -1 for a source.
    int input_tag = 0;  // Which output of that node.
    Shipping shipping = Shipping::forward;
    std::shared_ptr<EdgeCodec> codec;  // Used when the edge crosses tasks.

    std::optional<KafkaSourceOptions> kafka;
    std::optional<GeneratorOptions> generator;
    WatermarkSpec watermarks;
    std::function<std::unique_ptr<SourceAdapter>()> make_adapter;  // Sources only.
    std::function<std::unique_ptr<Operator>()> make_operator;      // All others.

    [[nodiscard]] bool is_source() const { return input < 0; }
};

}  // namespace medic::engine::flow
