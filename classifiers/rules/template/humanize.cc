#include "classifiers/rules/template/humanize_internal.h"

#include <chrono>
#include <cmath>

#include <fmt/printf.h>
#include <re2/re2.h>

#include "classifiers/rules/promql/text.h"
#include "classifiers/rules/template/item_internal.h"

namespace medic::templates {

std::string four_digits(double value) {
    return std::isfinite(value) ? fmt::sprintf("%.4g", value) : promql::format_general(value);
}

// As Prometheus's templates do it: template/template.go, and common/helpers/templates for durations.
std::string humanize(double value) {
    if (value == 0 || !std::isfinite(value)) return four_digits(value);
    constexpr std::string_view larger = "kMGTPEZY", smaller = "munpfazy";
    std::string prefix;
    if (std::abs(value) >= 1) {
        for (const char each : larger) {
            if (std::abs(value) < 1000) break;
            prefix = each;
            value /= 1000;
        }
    } else {
        for (const char each : smaller) {
            if (std::abs(value) >= 1) break;
            prefix = each;
            value *= 1000;
        }
    }
    return four_digits(value) + prefix;
}

std::string humanize1024(double value) {
    if (std::abs(value) <= 1 || !std::isfinite(value)) return four_digits(value);
    constexpr std::string_view prefixes = "kMGTPEZY";
    std::string prefix;
    for (const char each : prefixes) {
        if (std::abs(value) < 1024) break;
        prefix = std::string(1, each) + "i";
        value /= 1024;
    }
    return four_digits(value) + prefix;
}

std::string humanize_duration(double seconds) {
    if (!std::isfinite(seconds)) return four_digits(seconds);
    if (seconds == 0) return "0s";
    if (std::abs(seconds) < 1) return humanize(seconds) + "s";
    const std::string sign = seconds < 0 ? "-" : "";
    const double whole = std::abs(seconds);
    constexpr double seconds_max = 9e18;
    const auto total = static_cast<std::int64_t>(std::min(whole, seconds_max));
    const std::int64_t days = total / 86400, hours = total / 3600 % 24, minutes = total / 60 % 60, rest = total % 60;
    if (days != 0) return fmt::format("{}{}d {}h {}m {}s", sign, days, hours, minutes, rest);
    if (hours != 0) return fmt::format("{}{}h {}m {}s", sign, hours, minutes, rest);
    if (minutes != 0) return fmt::format("{}{}m {}s", sign, minutes, rest);
    return sign + four_digits(whole) + "s";
}

// As Go prints a time.Time in UTC: 2015-05-06 07:08:09.5 +0000 UTC.
std::string timestamp(double seconds) {
    if (!std::isfinite(seconds)) return four_digits(seconds);
    constexpr double seconds_max = 9.2e9;  // What int64 nanoseconds hold.
    if (std::abs(seconds) > seconds_max)
        stop("{} cannot be represented as a nanoseconds timestamp since it overflows int64",
             promql::format_general(seconds));
    // Prometheus's own times have milliseconds.
    const auto ms = static_cast<std::int64_t>(std::floor(seconds * 1000 + 1e-6));
    const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(ms)};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{at - day};
    std::string fraction;
    if (const auto part = time.subseconds().count(); part != 0) {
        fraction = fmt::format(".{:03}", part);
        while (fraction.ends_with('0')) fraction.pop_back();
    }
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} +0000 UTC", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count(), fraction);
}

std::string change_case(std::string result, std::string_view name) {
    bool start = true;
    for (char& c : result) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (name == "toLower" && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        if ((name == "toUpper" || (name == "title" && start)) && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        start = !letter && c != '\'';
    }
    return result;
}

// host:port, [v6]:port; the port is "" when there is none.
std::pair<std::string, std::string> split_port(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return {text, ""};
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) return {host.substr(1, host.size() - 2), text.substr(colon + 1)};
    if (host.find(':') != std::string::npos) return {text, ""};
    return {host, text.substr(colon + 1)};
}

std::string strip_domain(const std::string& whole) {
    const auto [host, port] = split_port(whole);
    const bool address =
        host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
    if (address) return whole;
    const std::string first = host.substr(0, host.find('.'));
    return port.empty() ? first : first + ":" + port;
}

std::string replace_all(const std::string& pattern, const std::string& replacement, std::string value) {
    const RE2 regex(pattern, RE2::Quiet);
    if (!regex.ok()) stop("reReplaceAll: bad regular expression \"{}\": {}", pattern, regex.error());
    // Go writes groups as $1 or ${1}, RE2 as \1.
    std::string rewrite;
    for (std::size_t i = 0; i < replacement.size(); ++i) {
        const bool group = replacement[i] == '$' && i + 1 < replacement.size();
        const std::size_t digit = i + (group && replacement[i + 1] == '{' ? 2 : 1);
        if (group && replacement[i + 1] == '$') {
            rewrite += '$';
            ++i;
        } else if (group && digit < replacement.size() && replacement[digit] >= '0' && replacement[digit] <= '9') {
            (rewrite += '\\') += replacement[digit];
            i = digit + (replacement[i + 1] == '{' ? 1 : 0);
        } else {
            rewrite += replacement[i] == '\\' ? "\\\\" : std::string(1, replacement[i]);
        }
    }
    RE2::GlobalReplace(&value, regex, rewrite);
    return value;
}

std::string url_escaped(std::string_view value) {
    std::string result;
    for (const char c : value) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        result += plain ? std::string(1, c) : c == ' ' ? "+" : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return result;
}

std::string html_escaped(std::string_view value) {
    std::string result;
    for (const char c : value)
        result += c == '&'    ? "&amp;"
                  : c == '<'  ? "&lt;"
                  : c == '>'  ? "&gt;"
                  : c == '"'  ? "&#34;"
                  : c == '\'' ? "&#39;"
                              : std::string(1, c);
    return result;
}

}  // namespace medic::templates
