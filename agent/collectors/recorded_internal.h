// For tests: plays recorded answers to a collector, and finds things in what it observed.
#pragma once

#include <deque>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "agent/collectors/look.h"

namespace medic::recorded {

inline std::string file(const std::string& path) {
    std::ifstream in("agent/collectors/testdata/" + path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

using Server = std::function<Result<HttpAnswer>(const std::string& url)>;

inline Result<HttpAnswer> ok(std::string body) { return HttpAnswer{200, "application/json", std::move(body)}; }

// One whole look.
inline Observation look(HttpCollector& collector, WallTime at, const Server& server, std::size_t* asked = nullptr) {
    std::deque<HttpAsk> open;
    for (auto& ask : collector.begin(at)) open.push_back(std::move(ask));
    std::size_t count = 0;
    while (!open.empty()) {
        const HttpAsk ask = std::move(open.front());
        open.pop_front();
        ++count;
        for (auto& more : collector.answer(ask, server(ask.url))) open.push_back(std::move(more));
    }
    if (asked != nullptr) *asked = count;
    return collector.finish();
}

inline std::optional<double> value(const Observation& observation, const std::string& series) {
    for (const auto& [labels, sample] : observation.samples)
        if (labels.to_string() == series) return sample;
    return std::nullopt;
}

inline std::size_t count(const Observation& observation, std::string_view name) {
    std::size_t found = 0;
    for (const auto& [labels, sample] : observation.samples) found += labels.name() == name;
    return found;
}

}  // namespace medic::recorded
