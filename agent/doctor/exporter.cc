#include "agent/doctor/exporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent/collectors/prometheus/canonical.h"
#include "agent/doctor/sight.h"

namespace medic::doctor {
namespace {

// For a regular expression of Java.
std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '.' || c == '$') out += '\\';
        out += c;
    }
    return out;
}

// "kafka.server:type=X,name=Y" → the exporter's way of writing it in front of keys: kafka.server<type=X, name=Y
std::string pattern_head(const std::string& mbean) {
    const auto colon = mbean.find(':');
    std::string keys = mbean.substr(colon + 1);
    for (std::size_t at = keys.find(','); at != std::string::npos; at = keys.find(',', at + 2))
        keys.insert(at + 1, " ");
    return escaped(mbean.substr(0, colon)) + "<" + escaped(keys);
}

std::string jmx_file(const std::string& kind) {
    std::map<std::string, std::set<std::string>> wanted;  // MBean → attributes.
    for (const CanonicalSeries& series : CanonicalNames::built_in().series())
        for (const PageOrigin& origin : series.pages)
            if (!origin.mbean.empty() && page_kind_of(origin.page) == kind)
                wanted[origin.mbean].insert(origin.attribute);
    std::string text = fmt::format(
        "# For jmx_exporter (jmx_prometheus_javaagent), {}: exactly the MBeans that Streammedic reads.\n"
        "# The names are those of the catch-all rule; keep your own includeObjectNames and rules beside these if you "
        "have more.\n"
        "includeObjectNames:\n",
        kind);
    for (const auto& [mbean, attributes] : wanted) text += fmt::format("  - \"{},*\"\n", mbean);
    text += "rules:  # Attributes that match none of these are not collected.\n";
    for (const auto& [mbean, attributes] : wanted)
        for (const std::string& attribute : attributes)
            text += fmt::format("  - pattern: '{}(, .*)?><>{}:'\n", pattern_head(mbean), attribute);
    return text;
}

std::string flink_lines() {
    std::set<std::string> names;
    for (const CanonicalSeries& series : CanonicalNames::built_in().series())
        for (const PageOrigin& origin : series.pages)
            if (page_kind_of(origin.page).starts_with("flink-"))
                names.insert(origin.page.substr(origin.page.rfind('_') + 1));
    std::string includes;
    for (const std::string& name : names) includes += (includes.empty() ? "" : ",") + name;
    return fmt::format(
        "# For Flink's config.yaml (flink-conf.yaml before 1.19). Only needed where the REST API can't be reached: it "
        "tells the same and sooner.\n"
        "metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory\n"
        "metrics.reporter.prom.port: 9249-9260\n"
        "metrics.reporter.prom.filter.includes: \"*:{}:*\"  # Name what else you read there.\n"
        "# 20 exceptions are asked for; 16 are kept by default. A longer memory keeps the first failure of a restart "
        "loop:\n"
        "web.exception-history-size: 64\n",
        includes);
}

}  // namespace

std::string default_name(const std::string& mbean, const std::string& attribute) {
    const auto colon = mbean.find(':');
    const auto equals = mbean.find('=', colon);
    const auto comma = std::min(mbean.find(',', equals), mbean.size());
    std::string name = mbean.substr(0, colon) + "_" + mbean.substr(equals + 1, comma - equals - 1) + "_" + attribute;
    for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    return name;
}

Result<std::string> exporter_file(const std::string& kind) {
    if (kind == "kafka-broker" || kind == "connect-worker") return jmx_file(kind);
    if (kind == "flink") return flink_lines();
    return fail(ErrorCode::invalid, "{}: expected kafka-broker, connect-worker or flink", kind);
}

}  // namespace medic::doctor
