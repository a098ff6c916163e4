// The working thread of a task process: moves records between a connector's code and Kafka until told to stop. Throws
// what the connector throws; the caller turns that into the task's trace.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/connect/kafka_port.h"
#include "engine/connect/task_metrics.h"

namespace medic::engine::connect {

// What the runner is told and tells; the functions may be called from the working thread only.
struct TaskContext {
    TaskKey key;
    Config config;
    std::chrono::milliseconds flush{60'000};              // offset.flush.interval.ms
    std::chrono::milliseconds delivery_timeout{120'000};  // Kafka producer's default: delivery.timeout.ms = 2 min
    const std::atomic<bool>* stop = nullptr;
    const std::atomic<bool>* pause = nullptr;
    TaskMetrics* metrics = nullptr;
    std::function<void(State)> on_state;
    // JSON objects of partition and offset, and the topics that the task uses; called after they are durable.
    std::function<void(const std::vector<SourceOffset>&, const std::vector<std::string>& topics)> on_offsets;
    std::function<Status(const SourceOffset&)> store_offset;  // Sources.
    std::optional<SourceOffset> resume_after;                 // Sources.
};

void run_source(const TaskContext& context, SourceTask& task, KafkaWriter& writer);
// `dead_letters` where the configuration names a dead letter queue.
void run_sink(const TaskContext& context, SinkTask& task, KafkaReader& reader, KafkaWriter* dead_letters = nullptr);

}  // namespace medic::engine::connect
