#include <algorithm>
#include <thread>

#include <nlohmann/json.hpp>

#include "engine/common/log.h"
#include "engine/common/throw_trace.h"
#include "engine/connect/error_reporter.h"
#include "engine/connect/runner.h"

namespace medic::engine::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds poll_wait{500};
constexpr milliseconds retry_wait{100};
constexpr std::string_view json_converter = "org.apache.kafka.connect.json.JsonConverter";

// As the JSON converter says it: Kafka's exception with Jackson's.
std::string not_json(const std::string& value) {
    std::size_t at = value.size();
    try {
        [[maybe_unused]] const auto parsed = nlohmann::json::parse(value);
    } catch (const nlohmann::json::parse_error& error) {
        at = error.byte - std::min<std::size_t>(error.byte, 1);  // It counts from 1.
    }
    const std::string_view jackson =
        "org.apache.kafka.common.errors.SerializationException: com.fasterxml.jackson.core.JsonParseException";
    if (at >= value.size()) return fmt::format("{}: Unexpected end-of-input", jackson);
    const auto code = static_cast<unsigned char>(value[at]);
    return fmt::format("{}: Unexpected character (code {})", jackson, code);
}

class SinkRunner {
public:
    SinkRunner(const TaskContext& context, SinkTask& task, KafkaReader& reader, KafkaWriter* dead_letters)
        : context_(context),
          task_(task),
          reader_(reader),
          json_values_(text_option(context.config, "value.converter") == json_converter),
          errors_(context, dead_letters) {}

    void run() {
        try {
            work();
        } catch (...) {
            // As Connect's task closes its consumer whatever ended it: what was put is committed, and the group is
            // left.
            close();
            throw;
        }
        close();
    }

private:
    void work() {
        task_.start(context_.config);
        context_.on_state(state_ = *context_.pause ? State::paused : State::running);
        last_commit_ = steady_clock::now();
        while (!*context_.stop) {
            const State wanted = *context_.pause ? State::paused : State::running;
            if (wanted != state_) context_.on_state(state_ = wanted);
            turn();
            if (steady_clock::now() - last_commit_ >= context_.flush) commit();
        }
    }

    void close() {
        commit();
        reader_.leave();
    }

    void turn() {
        // Before the poll that gives the partitions back: what was put since the last commit would be read again.
        if (reader_.is_revoking()) commit();
        auto polled =
            reader_.poll(poll_wait, state_ == State::paused ? KafkaReader::Flow::pause : KafkaReader::Flow::read);
        if (reader_.assignment_epoch() != epoch_) {
            take_assignment();
            return;  // What was read before the positions were set does not count.
        }
        if (!polled && polled.error().code == ErrorCode::invalid)
            throw NamedException("org.apache.kafka.connect.errors.ConnectException", polled.error().message);
        if (!polled) {
            if (polled.error().message != last_trouble_)
                log_warn("connect-task", "{}: {}", to_string(context_.key), polled.error().message);
            last_trouble_ = polled.error().message;
            std::this_thread::sleep_for(retry_wait);
            return;
        }
        last_trouble_.clear();
        if (polled->empty()) return;
        context_.metrics->read(polled->size());
        // Of a batch in which one record fails nothing is put, and nothing of it is committed.
        auto after_batch = next_;
        for (const auto& record : *polled) after_batch[{record.topic, record.partition}] = record.offset + 1;
        const auto records = convert(*std::move(polled));
        const auto before = steady_clock::now();
        if (!records.empty()) task_.put(records);
        next_ = std::move(after_batch);
        context_.metrics->put(records.size(), steady_clock::now() - before);
    }

    void take_assignment() {
        epoch_ = reader_.assignment_epoch();
        const auto partitions = reader_.assignment();
        next_.clear();
        uncommitted_from_ = {};
        for (const auto& partition : partitions)
            if (const auto offset = task_.open(partition)) reader_.seek(partition, *offset);
        context_.metrics->partitions(partitions.size());
        log_info("connect-task", "{}: {} partitions assigned", to_string(context_.key), partitions.size());
    }

    std::vector<SinkRecord> convert(std::vector<SinkRecord> records) {
        if (!json_values_) return records;
        std::vector<SinkRecord> good;
        for (auto& record : records) {
            if (!record.value || nlohmann::json::accept(*record.value)) {
                good.push_back(std::move(record));
                continue;
            }
            errors_.refuse(record, {.stage = "VALUE_CONVERTER",
                                    .executing_class = json_converter,
                                    .exception_class = "org.apache.kafka.connect.errors.DataException",
                                    .message = "Converting byte[] to Kafka Connect data failed due to serialization "
                                               "error",
                                    .cause = not_json(*record.value)});
        }
        return good;
    }

    void commit() {
        last_commit_ = steady_clock::now();
        if (next_ == uncommitted_from_) return;
        const Status committed = reader_.commit(next_);
        context_.metrics->committed(committed.has_value(), steady_clock::now() - last_commit_);
        if (!committed) {
            log_warn("connect-task", "{}: Commit of offsets failed: {}", to_string(context_.key),
                     committed.error().message);
            return;
        }
        uncommitted_from_ = next_;
        std::vector<SourceOffset> offsets;
        for (const auto& [partition, offset] : next_)
            offsets.push_back(
                {nlohmann::json{{"kafka_topic", partition.topic}, {"kafka_partition", partition.partition}}.dump(),
                 nlohmann::json{{"kafka_offset", offset}}.dump()});
        context_.on_offsets(offsets, list_option(context_.config, "topics"));
    }

    const TaskContext& context_;
    SinkTask& task_;
    KafkaReader& reader_;
    const bool json_values_;
    ErrorReporter errors_;
    State state_ = State::unassigned;
    std::uint64_t epoch_ = 0;
    std::string last_trouble_;  // So that the same one is logged once.
    std::map<TopicPartition, std::int64_t> next_, uncommitted_from_;
    steady_clock::time_point last_commit_;
};

}  // namespace

void run_sink(const TaskContext& context, SinkTask& task, KafkaReader& reader, KafkaWriter* dead_letters) {
    SinkRunner(context, task, reader, dead_letters).run();
}

}  // namespace medic::engine::connect
