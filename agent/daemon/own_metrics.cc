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
    put("medic_tick_lateness_seconds", "gauge", "How late the last evaluation was.", metrics.tick_lateness_seconds);
    put("medic_acting", "gauge", "0 when the journal has failed, so that nothing may act.",
        metrics.loop.acting ? 1 : 0);
    put("medic_ticks_total", "counter", "Ticks of the loop.", count(metrics.loop.ticks));
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
