#include <algorithm>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "engine/common/log.h"
#include "engine/common/throw_trace.h"
#include "engine/connect/runner.h"

namespace medic::engine::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds poll_wait{500};
constexpr milliseconds retry_wait{100};  // Kafka producer's default: retry.backoff.ms = 100

bool may_pass(ErrorCode code) {
    return code == ErrorCode::unavailable || code == ErrorCode::outcome_unknown || code == ErrorCode::not_ready ||
           code == ErrorCode::outdated;
}

// Repeats a call to Kafka until it succeeds, up to the delivery time-out. False: told to stop.
template <class Call>
bool retry(const TaskContext& context, std::string_view doing, Call call) {
    const auto deadline = steady_clock::now() + context.delivery_timeout;
    while (true) {
        const Status done = call();
        if (done) return true;
        if (*context.stop) return false;
        if (!may_pass(done.error().code) || steady_clock::now() >= deadline)
            throw NamedException("org.apache.kafka.connect.errors.ConnectException",
                                 fmt::format("{}: {}", doing, done.error().message));
        context.metrics->retried();
        std::this_thread::sleep_for(retry_wait);
    }
}

bool create_topic(const TaskContext& context, KafkaWriter& writer) {
    KafkaWriter::NewTopic topic;
    topic.name = text_option(context.config, "topic");
    topic.partitions = static_cast<int>(number_option(context.config, "topic.creation.default.partitions", -1));
    topic.replication_factor =
        static_cast<int>(number_option(context.config, "topic.creation.default.replication.factor", -1));
    if (topic.name.empty() || topic.partitions < 1 || topic.replication_factor < 1) return true;
    return retry(context, "Error while attempting to create topic", [&] { return writer.create_topic(topic); });
}

}  // namespace

void run_source(const TaskContext& context, SourceTask& task, KafkaWriter& writer) {
    task.start(context.config, context.resume_after);
    if (!create_topic(context, writer)) return;
    State state = State::running;
    context.on_state(*context.pause ? State::paused : State::running);
    std::set<std::string> topics;
    while (!*context.stop) {
        const State wanted = *context.pause ? State::paused : State::running;
        if (wanted != state) context.on_state(state = wanted);
        if (state == State::paused) {
            std::this_thread::sleep_for(milliseconds(20));
            continue;
        }
        const auto before = steady_clock::now();
        const auto records = task.poll(poll_wait);
        context.metrics->polled(records.size(), steady_clock::now() - before);
        if (records.empty()) continue;
        // At least once, as Connect's sources are by default: what may or may not have arrived is written again.
        if (!retry(context, "Unrecoverable exception from producer send callback",
                   [&] { return writer.write(records); }))
            return;
        context.metrics->written(records.size());
        // Stored after every batch, sooner than Connect does, so that a crash doubles less.
        const SourceOffset offset = task.offset();
        const auto commit_start = steady_clock::now();
        const Status stored = context.store_offset(offset);
        context.metrics->committed(stored.has_value(), steady_clock::now() - commit_start);
        if (!stored)
            log_warn("connect-task", "{}: Failed to commit offsets: {}", to_string(context.key),
                     stored.error().message);
        for (const auto& record : records) topics.insert(record.topic);
        context.on_offsets({offset}, {topics.begin(), topics.end()});
    }
}

}  // namespace medic::engine::connect
