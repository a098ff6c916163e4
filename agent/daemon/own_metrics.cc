#include "agent/daemon/own_metrics.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/collectors/process/proc_internal.h"

namespace medic {
namespace {

std::string notify_page(const std::vector<DeskStats>& receivers) {
    if (receivers.empty()) return "";
    std::string out;
    const auto family = [&](const char* name, const char* type, const char* help, auto value_of) {
        out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
        for (const DeskStats& one : receivers)
            out += fmt::format("{}{{receiver=\"{}\"}} {}\n", name, one.receiver, value_of(one));
    };
    family("medic_notify_delivered_total", "counter", "Messages that a receiver took.",
           [](const DeskStats& one) { return one.delivered; });
    family("medic_notify_failed_total", "counter", "Attempts that a receiver did not take.",
           [](const DeskStats& one) { return one.failed; });
    family("medic_notify_folded_total", "counter", "Pieces of news that came in digests.",
           [](const DeskStats& one) { return one.folded; });
    family("medic_notify_given_up_total", "counter", "Pieces of news that were never taken.",
           [](const DeskStats& one) { return one.given_up; });
    family("medic_notify_waiting", "gauge", "Pieces of news that a receiver has not taken yet.",
           [](const DeskStats& one) { return one.waiting; });
    family("medic_notify_oldest_waiting_seconds", "gauge", "For how long the oldest of them has waited.",
           [](const DeskStats& one) { return one.oldest_waiting_seconds; });
    return out;
}

// `kind`: its label; none where empty.
void histogram(std::string& out, const char* name, const std::string& kind, const DurationCounts& counts) {
    const std::string label = kind.empty() ? "" : fmt::format("kind=\"{}\"", kind);
    const std::string alone = label.empty() ? "" : "{" + label + "}", before = label.empty() ? "" : label + ",";
    for (std::size_t i = 0; i < DurationCounts::bounds_s.size(); ++i)
        out += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, before, DurationCounts::bounds_s[i], counts.up_to(i));
    out += fmt::format("{0}_bucket{{{1}le=\"+Inf\"}} {2}\n{0}_sum{3} {4}\n{0}_count{3} {2}\n", name, before,
                       counts.count(), alone, counts.sum_s());
}

// How the targets are looked at: whether each is seen at its interval, and what it costs them to be asked.
void looks(std::string& out, const std::map<std::string, LookCounts>& kinds) {
    const auto each = [&](const char* name, const char* type, const char* help, const auto& value) {
        out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
        for (const auto& [kind, counts] : kinds) value(name, kind, counts);
    };
    const auto number = [&](const char* name, const char* type, const char* help, const auto& field) {
        each(name, type, help, [&](const char* metric, const std::string& kind, const LookCounts& counts) {
            out += fmt::format("{}{{kind=\"{}\"}} {}\n", metric, kind, field(counts));
        });
    };
    number("medic_look_targets", "gauge", "Targets of this kind.", [](const auto& one) { return one.targets; });
    number("medic_look_suspects", "gauge", "Targets whose last look failed.",
           [](const auto& one) { return one.suspects; });
    number("medic_looks_total", "counter", "Looks that have ended.", [](const auto& one) { return one.looks; });
    number("medic_looks_failed_total", "counter", "Looks that gave nothing.",
           [](const auto& one) { return one.failed; });
    number("medic_looks_missed_total", "counter", "Looks that did not happen, as the one before was still under way.",
           [](const auto& one) { return one.missed; });
    each("medic_look_lateness_seconds", "histogram", "How long after its time a look began.",
         [&](const char* metric, const std::string& kind, const LookCounts& counts) {
             histogram(out, metric, kind, counts.lateness);
         });
    each("medic_look_duration_seconds", "histogram", "How long a look took, until all of it was known.",
         [&](const char* metric, const std::string& kind, const LookCounts& counts) {
             histogram(out, metric, kind, counts.duration);
         });
}

}  // namespace

std::string page(const OwnMetrics& metrics) {
    std::string out;
    const auto head = [&](const char* name, const char* type, const char* help) {
        out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    };
    const auto put = [&](const char* name, const char* type, const char* help, double value) {
        head(name, type, help);
        out += fmt::format("{} {}\n", name, value);
    };
    const auto count = [](auto value) { return static_cast<double>(value); };
    if (metrics.last_tick.unix_ms != 0)
        put("medic_last_tick_timestamp_seconds", "gauge", "When the loop last ticked.",
            count(metrics.last_tick.unix_ms) / 1000);
    if (metrics.last_evaluation.unix_ms != 0)
        put("medic_last_evaluation_timestamp_seconds", "gauge", "When all that was seen was last judged.",
            count(metrics.last_evaluation.unix_ms) / 1000);
    put("medic_tick_lateness_seconds", "gauge", "How late the last evaluation was.", metrics.tick_lateness_seconds);
    put("medic_acting", "gauge", "0 when the journal has failed, so that nothing may act.",
        metrics.loop.acting ? 1 : 0);
    put("medic_ticks_total", "counter", "Ticks of the loop.", count(metrics.loop.ticks));
    head("medic_tick_duration_seconds", "histogram", "How long a tick of the loop took, decisions included.");
    histogram(out, "medic_tick_duration_seconds", "", metrics.ticks);
    put("medic_alerts_taken_total", "counter", "Alerts that were new, and are in the journal.",
        count(metrics.alerts_taken));
    put("medic_alerts_repeated_total", "counter", "Alerts that came again unchanged.", count(metrics.alerts_repeated));
    put("medic_targets", "gauge", "Targets that are looked at.", count(metrics.targets));
    put("medic_targets_blind", "gauge", "Targets whose last look failed or is too old.", count(metrics.targets_blind));
    put("medic_series", "gauge", "Series in memory.", count(metrics.series));
    put("medic_sample_bytes", "gauge", "Bytes of their samples.", count(metrics.sample_bytes));
    put("medic_events", "gauge", "Events in memory.", count(metrics.events));
    put("medic_symptoms", "gauge", "Rules that fire.", count(metrics.symptoms));
    put("medic_diagnoses", "gauge", "Diagnoses that hold.", count(metrics.diagnoses));
    put("medic_http_requests_total", "counter", "HTTP requests sent.", count(metrics.requests));
    put("medic_http_writing_requests_total", "counter", "HTTP requests sent that were not GET.",
        count(metrics.writing_requests));
    put("medic_operations_total", "counter", "Operations decided.", count(metrics.operations));
    head("medic_incidents", "gauge", "Incidents by state, newest ended ones included.");
    for (const auto& [state, number] : metrics.incidents_by_state)
        out += fmt::format("medic_incidents{{state=\"{}\"}} {}\n", state, number);
    out += notify_page(metrics.notify);
    head("medic_series_refused_total", "counter", "Times that a series was not kept, as its cluster has its share.");
    for (const auto& [cluster, refused] : metrics.series_refused)
        out += fmt::format("medic_series_refused_total{{cluster=\"{}\"}} {}\n", cluster, refused);
    looks(out, metrics.looks);
    rusage usage = {};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        const auto seconds = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
        };
        put("process_cpu_seconds_total", "counter", "User and system time of the agent.",
            seconds(usage.ru_utime) + seconds(usage.ru_stime));
    }
    if (const auto stat = proc_read::stat_fields("/proc", getpid()))
        put("process_resident_memory_bytes", "gauge", "Resident set of the agent.",
            stat->resident_pages * count(sysconf(_SC_PAGESIZE)));
    return out;
}

}  // namespace medic
