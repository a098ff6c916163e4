#include <algorithm>
#include <set>
#include <thread>

#include "engine/common/log.h"
#include "engine/common/throw_trace.h"
#include "engine/connect/runner.h"

namespace medic::engine::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds poll_wait{500};
constexpr milliseconds retry_wait{100};  // Kafka producer's default: retry.backoff.ms = 100

// At least once, as Connect's sources are by default: what may or may not have arrived is written again. False: told to
// stop.
bool write_all(const TaskContext& context, KafkaWriter& writer, const std::vector<SourceRecord>& records) {
    const auto deadline = steady_clock::now() + context.delivery_timeout;
    while (true) {
        const Status written = writer.write(records);
        if (written) return true;
        if (*context.stop) return false;
        const auto code = written.error().code;
        const bool may_pass = code == ErrorCode::unavailable || code == ErrorCode::outcome_unknown ||
                              code == ErrorCode::not_ready || code == ErrorCode::outdated;
        if (!may_pass || steady_clock::now() >= deadline)
            throw NamedException("org.apache.kafka.connect.errors.ConnectException",
                                 "Unrecoverable exception from producer send callback: " + written.error().message);
        context.metrics->retried();
        std::this_thread::sleep_for(retry_wait);
    }
}

}  // namespace

void run_source(const TaskContext& context, SourceTask& task, KafkaWriter& writer) {
    task.start(context.config, context.resume_after);
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
        if (!write_all(context, writer, records)) return;
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
