#include "engine/common/metrics_page.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <ctime>

#include <fmt/format.h>

#include "engine/common/process.h"

namespace medic::engine {
namespace {

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
    }
}

void append_value(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        out += fmt::format("{}", value);
    }
}

double boot_unix_seconds() {
    timespec wall{}, since_boot{};
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return static_cast<double>(wall.tv_sec - since_boot.tv_sec) +
           static_cast<double>(wall.tv_nsec - since_boot.tv_nsec) / 1e9;
}

}  // namespace

void MetricsPage::add(std::string_view name, const LabelList& labels, double value, Type type) {
    auto found = families_.find(name);
    if (found == families_.end()) found = families_.emplace(std::string(name), Family{type, {}}).first;
    std::string& out = found->second.samples;
    out += name;
    char before = '{';
    for (const auto& [label, text] : labels) {
        out += before;
        out += label;
        out += "=\"";
        append_escaped(out, text);
        out += '"';
        before = ',';
    }
    if (!labels.empty()) out += '}';
    out += ' ';
    append_value(out, value);
    out += '\n';
}

void MetricsPage::add_process() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    add("process_cpu_seconds_total", {}, seconds(usage.ru_utime) + seconds(usage.ru_stime), Type::counter);
    if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
        long total = 0, resident = 0;
        if (std::fscanf(file, "%ld %ld", &total, &resident) == 2)
            add("process_resident_memory_bytes", {},
                static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)), Type::gauge);
        std::fclose(file);
    }
    if (DIR* folder = opendir("/proc/self/fd")) {
        int entries = 0;
        while (readdir(folder)) ++entries;
        closedir(folder);
        add("process_open_fds", {}, entries - 3, Type::gauge);  // Less ".", ".." and the folder's own descriptor.
    }
    if (const auto self = find_process(getpid())) {
        const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
        add("process_start_time_seconds", {}, boot_unix_seconds() + static_cast<double>(self->start_ticks) / ticks,
            Type::gauge);
    }
}

std::string MetricsPage::render() const {
    static constexpr std::string_view types[] = {"untyped", "gauge", "counter"};
    std::string out;
    for (const auto& [name, family] : families_) {
        out += fmt::format("# TYPE {} {}\n", name, types[static_cast<std::size_t>(family.type)]);
        out += family.samples;
    }
    return out;
}

}  // namespace medic::engine
