// JSON that others wrote: answers, bodies of requests, files and output of programs. Parsed by nlohmann::json only
// where it is within limits: the parser takes any depth, but copying and writing what it made recurse, and each nested
// list costs the memory of some eighty bytes for one byte of text. For .cc files that read such text; what this program
// itself wrote and kept (its journal) needs no limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "agent/base/result.h"

namespace medic {

struct JsonLimits {
    std::size_t depth_max = 64;  // What Kafka Connect, Flink and Prometheus say has a dozen levels at most.
    // A job of 10,000 subtasks tells some thirty values of each, 1,000 connectors some hundreds each.
    std::size_t values_max = 2'000'000;
};

// invalid: nested deeper, or more values than that. Whether it is JSON at all is not looked at. One pass over the text.
[[nodiscard]] Status within_json_limits(std::string_view text, const JsonLimits& limits = {});

// Discarded (is_discarded()) when it is no JSON or not within the limits; never throws.
[[nodiscard]] nlohmann::json foreign_json(std::string_view text, const JsonLimits& limits = {});

// What stands under `key`, where it stands: no copy. nullptr: `object` is none, or has no such member.
[[nodiscard]] const nlohmann::json* json_member(const nlohmann::json& object, std::string_view key);

// Likewise, for who goes on into it: null in place of nullptr.
[[nodiscard]] const nlohmann::json& json_part(const nlohmann::json& object, std::string_view key);
// The text that stands there; "": none, or something of another type.
[[nodiscard]] std::string json_text(const nlohmann::json& object, std::string_view key);

}  // namespace medic
