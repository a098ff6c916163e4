// What becomes of a record that a sink task's converter refuses, as Connect does it (errors.* of a connector): counted,
// logged where errors.log.enable says so, written as it came to the dead letter queue where one is named, and then
// either skipped (errors.tolerance=all) or the end of its task.
#pragma once

#include <string>
#include <string_view>

#include "engine/connect/kafka_port.h"
#include "engine/connect/runner.h"

namespace medic::engine::connect {

// Why and where, in Connect's words.
struct RecordError {
    std::string_view stage;            // VALUE_CONVERTER
    std::string_view executing_class;  // org.apache.kafka.connect.json.JsonConverter
    std::string exception_class, message;
    std::string cause;  // What that came of: "class: message".
};

[[nodiscard]] std::string dead_letter_topic(const Config& config);  // "": none.

class ErrorReporter {
public:
    // `dead_letters` may be nullptr where no queue is named. Creates the topic; throws what Connect throws where it
    // can't.
    ErrorReporter(const TaskContext& context, KafkaWriter* dead_letters);

    // Returns where the record is to be skipped; else throws what ends the task.
    void refuse(const SinkRecord& record, const RecordError& error);

private:
    void write_dead_letter(const SinkRecord& record, const RecordError& error);

    const TaskContext& context_;
    KafkaWriter* const dead_letters_;
    const std::string topic_;
    const bool tolerated_, logged_, with_headers_;
};

}  // namespace medic::engine::connect
