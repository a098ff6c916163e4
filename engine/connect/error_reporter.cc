#include "engine/connect/error_reporter.h"

#include <fmt/format.h>

#include "engine/common/log.h"
#include "engine/common/throw_trace.h"

namespace medic::engine::connect {
namespace {

constexpr std::string_view connect_exception = "org.apache.kafka.connect.errors.ConnectException";

bool flag_option(const Config& config, std::string_view name) { return text_option(config, name) == "true"; }

[[noreturn]] void end_task(const std::string& message) {
    throw NamedException(std::string(connect_exception), message);
}

}  // namespace

std::string dead_letter_topic(const Config& config) { return text_option(config, "errors.deadletterqueue.topic.name"); }

ErrorReporter::ErrorReporter(const TaskContext& context, KafkaWriter* dead_letters)
    : context_(context),
      dead_letters_(dead_letters),
      topic_(dead_letter_topic(context.config)),
      tolerated_(text_option(context.config, "errors.tolerance", "none") == "all"),
      logged_(flag_option(context.config, "errors.log.enable")),
      with_headers_(flag_option(context.config, "errors.deadletterqueue.context.headers.enable")) {
    if (dead_letters_ == nullptr || topic_.empty()) return;
    // Connect's default: errors.deadletterqueue.topic.replication.factor = 3; one partition.
    const auto replicas =
        static_cast<int>(number_option(context.config, "errors.deadletterqueue.topic.replication.factor", 3));
    const Status made = dead_letters_->create_topic({.name = topic_, .partitions = 1, .replication_factor = replicas});
    if (!made && !*context.stop)
        end_task(fmt::format("Could not initialize dead letter queue with topic={}\nCaused by: {}", topic_,
                             made.error().message));
}

void ErrorReporter::refuse(const SinkRecord& record, const RecordError& error) {
    context_.metrics->record_error();
    if (logged_)
        log_error("connect-task",
                  "Error encountered in task {}. Executing stage '{}' with class '{}', where consumed record is "
                  "{{topic='{}', partition={}, offset={}, timestamp={}, timestampType=CreateTime}}.",
                  to_string(context_.key), error.stage, error.executing_class, record.topic, record.partition,
                  record.offset, record.timestamp_ms);
    // Also where it is not tolerated: the queue then holds what ended the task, once for each attempt.
    if (dead_letters_ != nullptr && !topic_.empty()) write_dead_letter(record, error);
    if (tolerated_) return context_.metrics->record_skipped();
    context_.metrics->record_failed();
    // The record is in the message, where real Connect names it in its log only.
    end_task(
        fmt::format("Tolerance exceeded in error handler\nCaused by: {}: {}: topic '{}' partition {} at offset {}\n"
                    "Caused by: {}",
                    error.exception_class, error.message, record.topic, record.partition, record.offset, error.cause));
}

// Key, value and headers as they came, and Connect's own headers beside them (DeadLetterQueueReporter).
void ErrorReporter::write_dead_letter(const SinkRecord& record, const RecordError& error) {
    SourceRecord letter;
    letter.topic = topic_;
    letter.key = record.key;
    letter.value = record.value.value_or("");
    letter.timestamp_ms = record.timestamp_ms;
    letter.headers = record.headers;
    if (with_headers_) {
        const auto add = [&](std::string_view name, std::string value) {
            letter.headers.emplace_back(fmt::format("__connect.errors.{}", name), std::move(value));
        };
        add("topic", record.topic);
        add("partition", std::to_string(record.partition));
        add("offset", std::to_string(record.offset));
        add("connector.name", context_.key.connector);
        add("task.id", std::to_string(context_.key.task));
        add("stage", std::string(error.stage));
        add("class.name", std::string(error.executing_class));
        add("exception.class.name", error.exception_class);
        add("exception.message", error.message);
        add("exception.stacktrace", error.exception_class + ": " + error.message + "\n");
    }
    if (const Status written = dead_letters_->write({&letter, 1}); !written)
        end_task(fmt::format("Could not produce message to dead letter queue. topic={}\nCaused by: {}", topic_,
                             written.error().message));
}

}  // namespace medic::engine::connect
