#include "agent/backtest/alerts.h"

#include <algorithm>
#include <optional>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/json_internal.h"

namespace medic::backtest {
namespace {

constexpr std::size_t alerts_max = 100'000;

// nullopt: not there. An unreadable time is an error, not an absence.
Result<std::optional<WallTime>> time_of(const Json& entry, std::initializer_list<const char*> keys,
                                        std::size_t number) {
    for (const char* key : keys) {
        const Json* value = json_read::member(entry, key);
        if (value == nullptr) continue;
        if (value->is_number()) return std::optional(WallTime{static_cast<std::int64_t>(value->get<double>() * 1'000)});
        const auto read = value->is_string() ? read_rfc3339(value->get<std::string>()) : std::nullopt;
        if (!read)
            return fail(ErrorCode::invalid, "alert {}: {}: expected an RFC 3339 time or seconds since 1970, got {}",
                        number, key, value->dump().substr(0, 80));
        return std::optional(*read);
    }
    return std::optional<WallTime>{};
}

bool go_together(const Case& one, const SeenAlert& alert, WallTime end) {
    const auto cluster = alert.labels.find("cluster");
    if (cluster != alert.labels.end() && cluster->second != one.subject.cluster) return false;
    return alert.start - match_slack <= one.until.value_or(end) && one.since <= alert.end + match_slack;
}

}  // namespace

std::string SeenAlert::name() const {
    for (const char* key : {"alertname", "name", "title"})
        if (const auto found = labels.find(key); found != labels.end()) return found->second;
    return "unnamed alert";
}

Result<std::vector<SeenAlert>> read_alerts(std::string_view json) {
    const Json document = foreign_json(json);
    if (!document.is_array())
        return fail(ErrorCode::invalid,
                    "expected a JSON list of alerts: [{{\"start\": \"2026-11-03T02:10:00Z\", \"end\": …, \"labels\": "
                    "{{…}}}}]");
    if (document.size() > alerts_max)
        return fail(ErrorCode::invalid, "{} alerts: at most {}", document.size(), alerts_max);
    std::vector<SeenAlert> alerts;
    for (const Json& entry : document) {
        const std::size_t number = alerts.size() + 1;
        if (!entry.is_object()) return fail(ErrorCode::invalid, "alert {}: expected an object", number);
        MEDIC_TRY(const auto start, time_of(entry, {"start", "startsAt"}, number));
        MEDIC_TRY(const auto end, time_of(entry, {"end", "endsAt"}, number));
        if (!start) return fail(ErrorCode::invalid, "alert {}: expected a `start`", number);
        SeenAlert alert{.start = *start, .end = end.value_or(*start), .labels = {}};
        // Alertmanager says 0001-01-01 for "not yet".
        if (alert.end < alert.start) alert.end = alert.start;
        alert.labels = texts_of(entry, "labels");
        alerts.push_back(std::move(alert));
    }
    return alerts;
}

Comparison compare(const std::vector<Case>& cases, const std::vector<SeenAlert>& alerts, WallTime from, WallTime to) {
    Comparison result;
    result.met.resize(cases.size());
    for (const SeenAlert& alert : alerts) {
        if (alert.end < from || alert.start > to) {
            ++result.outside;
            continue;
        }
        ++result.alerts;
        bool matched = false;
        for (std::size_t i = 0; i < cases.size(); ++i) {
            if (!go_together(cases[i], alert, to)) continue;
            matched = true;
            auto& names = result.met[i];
            if (std::ranges::find(names, alert.name()) == names.end()) names.push_back(alert.name());
        }
        if (matched)
            ++result.matched;
        else
            result.missed.push_back(alert);
    }
    for (std::size_t i = 0; i < cases.size(); ++i)
        if (result.met[i].empty()) result.extra.push_back(i);
    constexpr double week_ms = 7.0 * 86'400'000;
    const auto span_ms = static_cast<double>((to - from).count());
    if (span_ms > 0) result.extra_per_week = static_cast<double>(result.extra.size()) * week_ms / span_ms;
    return result;
}

}  // namespace medic::backtest
