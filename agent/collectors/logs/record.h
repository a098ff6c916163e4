// From lines of a log to its records: a line with a time begins one, and what follows without (a stack trace, its
// "Caused by:" parts) belongs to it. Where lines have no times, only what looks like a trace belongs to the line
// before. Reads the layouts that Kafka, Connect and Flink ship with (log4j patterns) and JSON lines. Knows nothing of
// causes; texts come out clean of control bytes, and are not redacted yet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"

namespace medic {

enum class LogLevel : std::uint8_t { unknown, debug, info, warn, error };
[[nodiscard]] std::string_view to_string(LogLevel level);

struct LogRecord {
    WallTime at;
    LogLevel level = LogLevel::unknown;
    std::string text;                           // All its lines.
    bool trace = false;                         // It holds stack frames.
    std::map<std::string, std::string> fields;  // connector, task (Connect's context), job_id (Flink).
};

// Without escape sequences, control bytes and broken UTF-8. nullopt: so much of it is neither text that it is no line.
[[nodiscard]] std::optional<std::string> clean_line(std::string_view line);

class RecordJoiner {
public:
    static constexpr std::size_t record_bytes_max = 32 * 1024;  // What is over it is left out, and counted.
    static constexpr std::size_t record_lines_max = 400;

    // `line` is clean; `at` and `level` hold where it says nothing itself. Returns the record that it has ended.
    [[nodiscard]] std::optional<LogRecord> add(std::string_view line, WallTime at, LogLevel level = LogLevel::unknown);
    // No line has come for a while: the record under way is whole.
    [[nodiscard]] std::optional<LogRecord> end();
    [[nodiscard]] std::uint64_t left_out_lines() const { return left_out_; }

private:
    std::optional<LogRecord> open_;
    bool timed_ = false;  // The record under way began with a time.
    std::size_t lines_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace medic
