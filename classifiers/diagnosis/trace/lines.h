// What one line of a log is: a frame, a throwable's header, an elision, something else. For the trace reader, and for
// who reads a thread (analyzers/function_hangs).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace medic::trace {

[[nodiscard]] std::string_view trim(std::string_view text);

struct FrameLine {
    std::string_view function, location;
};
// "at com.acme.Enrich.map(Enrich.java:42) ~[job.jar:1.0]", "at ns::Class::fn(int) (libjob.so+0x1f2)".
[[nodiscard]] std::optional<FrameLine> parse_frame(std::string_view trimmed);

// `File "/jobs/enrich.py", line 12, in process`.
[[nodiscard]] std::optional<FrameLine> parse_python_frame(std::string_view trimmed);

// "... 7 more", "... 12 common frames omitted": how many; nullopt for anything else.
[[nodiscard]] std::optional<std::uint32_t> parse_elision(std::string_view trimmed);

struct Header {
    std::string_view type, message;
};
// A line that is "type: message" or "type" alone, the type looking like a throwable's class.
// `loose` also takes the last such token inside a log line ("FATAL [main] java.lang.NullPointerException").
enum class HeaderSearch : std::uint8_t { whole_line, loose };
[[nodiscard]] std::optional<Header> parse_header(std::string_view line, HeaderSearch search);

// The last plain word inside a log line that looks like a throwable's class and is followed by its message
// ("UnhandledPromiseRejectionWarning: TypeError: …"): for lines that frames follow.
[[nodiscard]] std::optional<Header> parse_plain_header(std::string_view line);

// A qualified name and its message, whatever the name's ending ("std::out_of_range: …"): for lines that frames follow.
[[nodiscard]] std::optional<Header> parse_any_header(std::string_view line);

// Turns JSON log lines (one object a line, a stack trace as an escaped string) into plain text.
// nullopt when the text does not look like that.
[[nodiscard]] std::optional<std::string> unescape_json_lines(std::string_view text);

}  // namespace medic::trace
