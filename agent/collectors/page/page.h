// Reads a page of metrics: Prometheus's text format 0.0.4 and OpenMetrics 1.0, with bounds on everything. In both,
// names may be any text in quotes, as Prometheus 3 asks for: {"my.metric","my label"="x"} 1. Not a scraper (it knows no
// HTTP) and not a store; PageCache (page_cache.h) is the fast way for a page that is read again and again. Used by
// collectors, tests and `medic doctor`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"

namespace medic {

enum class PageFormat : std::uint8_t { prometheus_text, open_metrics };
// From the answer's Content-Type; anything unknown is read as Prometheus text, as Prometheus itself does.
[[nodiscard]] PageFormat page_format(std::string_view content_type);

enum class MetricType : std::uint8_t { unknown, counter, gauge, histogram, gauge_histogram, summary, info, state_set };
[[nodiscard]] std::string_view to_string(MetricType type);

struct PageLimits {
    std::size_t bytes_max = 64 * 1024 * 1024;  // A JMX page of a big broker has 1–20 MB.
    std::size_t line_bytes_max = 64 * 1024;
    std::size_t labels_max = 64;  // Per sample.
    std::size_t samples_max = 500'000;
};

using PageLabel = std::pair<std::string_view, std::string_view>;

// Views are valid during the call that hands the sample over.
struct PageSample {
    std::string_view series;  // As written: name{labels} or {"name",labels}. Two spellings of one series differ here.
    std::string_view name;
    std::span<const PageLabel> labels;  // Unescaped, in the page's order, no doubled names.
    double value = 0;
    std::optional<double> timestamp_s;  // Seconds since 1970, whatever the format's unit.
    std::string_view exemplar;          // As written, "{…} value [timestamp]"; empty: none.
    std::string_view family;            // Of the TYPE, HELP or UNIT line that it stands under; empty: none.
    MetricType type = MetricType::unknown;
    std::size_t line = 0;  // From 1.
};

class PageSink {
public:
    virtual ~PageSink() = default;
    virtual void on_sample(const PageSample& sample) = 0;
    virtual void on_type(std::string_view /*family*/, MetricType /*type*/) {}
    virtual void on_help(std::string_view /*family*/, std::string_view /*text*/) {}
    virtual void on_unit(std::string_view /*family*/, std::string_view /*unit*/) {}
};

struct PageProblem {
    std::size_t line = 0;                    // From 1; 0: the page as a whole.
    std::size_t column = 0;                  // From 1.
    std::string message;                     // What was expected and what was found.
    [[nodiscard]] std::string text() const;  // "line 3, column 7: …"
};

struct PageSummary {
    std::size_t samples = 0;
    std::size_t lines = 0;
    std::size_t problems = 0;  // Lines that could not be read.
    std::optional<PageProblem> first_problem;
    [[nodiscard]] bool complete() const { return problems == 0; }
};

class PageParser {
public:
    enum class OnProblem : std::uint8_t { stop, skip_line };
    struct Options {
        PageFormat format = PageFormat::prometheus_text;
        PageLimits limits = {};
        OnProblem on_problem = OnProblem::skip_line;  // A bad line makes the page partial, not worthless.
        // Also refuse what reads well but breaks OpenMetrics's rules for families: a counter that is negative, a
        // histogram without +Inf, groups that are interleaved. For whoever checks an exporter; a collector takes what
        // it can get.
        bool strict = false;
    };

    explicit PageParser(Options options) : options_(options) {}
    [[nodiscard]] PageSummary parse(std::string_view page, PageSink& sink);

private:
    Options options_;
};

}  // namespace medic
