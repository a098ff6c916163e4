// Log lines of the engine's processes: one line each to stderr, `2026-01-31T12:00:00.123Z INFO [connect-worker] text`.
// Not the agent's log and not structured; the lab points stderr at a file per process. Any thread may call it.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace medic::engine {

enum class LogLevel : std::uint8_t { info, warn, error };

void write_log(LogLevel level, std::string_view who, std::string_view text);

// Where the lines go; "" when that is no file.
[[nodiscard]] std::string log_file_of_this_process();

template <class... Args>
void log_info(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    write_log(LogLevel::info, who, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    write_log(LogLevel::warn, who, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    write_log(LogLevel::error, who, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace medic::engine
