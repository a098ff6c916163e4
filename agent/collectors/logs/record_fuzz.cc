// Any bytes as a log: no crash, every record within its bound, and nothing in a record that a terminal would obey.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "agent/base/redact.h"
#include "agent/collectors/logs/record.h"

namespace {

using namespace medic;

void check(const std::optional<LogRecord>& record) {
    if (!record) return;
    if (record->text.size() > RecordJoiner::record_bytes_max) std::abort();
    const auto obeyed = [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; };
    if (std::ranges::any_of(record->text, obeyed)) std::abort();
    (void)redact(record->text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view log(reinterpret_cast<const char*>(data), size);
    RecordJoiner joiner;
    while (!log.empty()) {
        const auto end = std::min(log.find('\n'), log.size());
        if (const auto line = clean_line(log.substr(0, end))) check(joiner.add(*line, {1'700'000'000'000}));
        log.remove_prefix(std::min(end + 1, log.size()));
    }
    check(joiner.end());
    return 0;
}
