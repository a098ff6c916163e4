// Writes one page in Prometheus's text format. Engine processes fill it on each request with what they measured, under
// the names that the JMX exporter (Kafka, Connect) or Flink's reporter give for the real product. Not a registry: it
// keeps nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medic::engine {

class MetricsPage {
public:
    enum class Type : std::uint8_t { untyped, gauge, counter };
    using LabelList = std::vector<std::pair<std::string_view, std::string_view>>;

    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

    // Values that were not measured are not added: absence is told from zero. `type` counts at a name's first sample.
    void add(std::string_view name, const LabelList& labels, double value, Type type = Type::untyped);

    // process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_start_time_seconds of this
    // process.
    void add_process();

    [[nodiscard]] std::string render() const;

private:
    struct Family {
        Type type = Type::untyped;
        std::string samples;
    };
    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace medic::engine
