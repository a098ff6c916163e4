#include "engine/workload/event.h"

#include <array>
#include <charconv>

namespace medic::engine::workload {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a stateless stream of well-mixed numbers from seed and position.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t position) {
    std::uint64_t z = seed * 0x9e3779b97f4a7c15ULL + position * 0xbf58476d1ce4e5b9ULL + 0x94d049bb133111ebULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

template <class Number>
Result<Number> parse_number(std::string_view text, std::string_view field) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return fail(ErrorCode::invalid, "event field {}: expected a number, got \"{}\"", field, text);
    }
    return value;
}

constexpr std::uint64_t late_stream = 1, kind_stream = 2;

}  // namespace

bool is_late_on_purpose(const EventMix& mix, std::uint64_t sequence) {
    return mixed(mix.seed ^ late_stream, sequence) % 1000 < mix.late_per_thousand;
}

Event make_event(const EventMix& mix, std::uint64_t sequence, std::int64_t now_ms) {
    static constexpr std::array regions = {"eu", "us", "ap"};
    const std::uint64_t bits = mixed(mix.seed ^ kind_stream, sequence);
    const auto server = static_cast<std::uint32_t>(bits % mix.servers);
    Event event;
    event.sequence = sequence;
    event.at_ms = now_ms;
    if (is_late_on_purpose(mix, sequence)) {
        event.at_ms -= late_by_ms;
    } else if ((bits >> 8) % 1000 < mix.out_of_order_per_thousand) {
        event.at_ms -= static_cast<std::int64_t>((bits >> 24) % static_cast<std::uint64_t>(mix.out_of_order_max_ms));
    }
    event.server = fmt::format("s-{:03}", server);
    event.device = fmt::format("d-{}", (bits >> 16) % 8);
    if ((bits >> 34) % 1000 >= mix.without_storage_per_thousand)
        event.storage = fmt::format("nvme-{}", (bits >> 20) % 4);
    event.version = fmt::format("1.{}.{}", (bits >> 40) % 5, (bits >> 44) % 10);
    event.region = regions[server % regions.size()];
    event.fault = (bits >> 50) % 1000 < mix.fault_per_thousand;
    return event;
}

std::string encode(const Event& event) {
    return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", event.sequence, event.at_ms, event.server, event.device,
                       event.storage, event.version, event.region, event.fault ? "fault" : "ok");
}

Result<Event> decode(std::string_view text) {
    std::array<std::string_view, 8> fields;
    std::size_t count = 0;
    for (std::string_view rest = text; count < fields.size(); ++count) {
        const auto bar = rest.find('|');
        fields[count] = rest.substr(0, bar);
        if (bar == std::string_view::npos) {
            ++count;
            break;
        }
        rest.remove_prefix(bar + 1);
    }
    if (count != fields.size())
        return fail(ErrorCode::invalid, "event: expected 8 fields joined by '|', got {}: \"{}\"", count,
                    text.substr(0, 120));
    Event event;
    MEDIC_TRY(event.sequence, parse_number<std::uint64_t>(fields[0], "sequence"));
    MEDIC_TRY(event.at_ms, parse_number<std::int64_t>(fields[1], "at_ms"));
    event.server = fields[2];
    event.device = fields[3];
    event.storage = fields[4];
    event.version = fields[5];
    event.region = fields[6];
    if (fields[7] != "fault" && fields[7] != "ok")
        return fail(ErrorCode::invalid, "event kind: expected fault or ok, got \"{}\"", fields[7]);
    event.fault = fields[7] == "fault";
    return event;
}

}  // namespace medic::engine::workload
