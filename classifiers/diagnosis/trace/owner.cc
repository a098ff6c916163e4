#include "classifiers/diagnosis/trace/owner.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>

#include "agent/base/text_hash.h"
#include "classifiers/diagnosis/trace/known_owners_internal.h"
#include "classifiers/diagnosis/trace/languages.h"

namespace medic {
namespace {

constexpr std::array<std::string_view, 5> relocation_marks{".shaded.", ".shade.", ".relocated.", ".repackaged.",
                                                           ".thirdparty."};

// One pass for all marks: nearly every name bears none.
bool bears_relocation_mark(std::string_view function) {
    for (std::size_t at = 0; at + 1 < function.size(); ++at) {
        if (function[at] != '.') continue;
        const char next = function[at + 1];
        if (next != 's' && next != 'r' && next != 't') continue;
        for (const auto mark : relocation_marks)
            if (function.substr(at).starts_with(mark)) return true;
    }
    return false;
}

// A relocated class belongs to whom it belongs at home: "a.b.shaded.org.apache.iceberg.X.f" is Iceberg's.
std::optional<FrameOwner> relocated_owner(std::string_view function) {
    if (!bears_relocation_mark(function)) return std::nullopt;
    for (const auto mark : relocation_marks) {
        const auto at = function.rfind(mark);
        if (at == std::string_view::npos) continue;
        if (const auto owner = known_owner(function.substr(at + mark.size()))) return owner;
    }
    return std::nullopt;
}

bool starts_with_any(std::string_view text, const std::vector<std::string>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const std::string& prefix) { return !prefix.empty() && text.starts_with(prefix); });
}

FrameOwner python_owner(std::string_view path) {
    if (path.find("/pyflink/") != std::string_view::npos || path.find("/apache_beam/") != std::string_view::npos)
        return FrameOwner::flink;
    if (path.find("site-packages") != std::string_view::npos || path.find("dist-packages") != std::string_view::npos)
        return FrameOwner::library;
    if (path.find("/lib/python") != std::string_view::npos || path.starts_with("<frozen")) return FrameOwner::jdk;
    return FrameOwner::user;
}

// Node: the Kafka clients' own modules, those of others, and the runtime's.
std::optional<FrameOwner> node_owner(std::string_view path) {
    if (path.starts_with("node:") || path.starts_with("internal/")) return FrameOwner::jdk;
    constexpr std::string_view folder = "node_modules/";
    const auto at = path.rfind(folder);
    if (at == std::string_view::npos) return std::nullopt;
    const auto module = path.substr(at + folder.size());
    for (const std::string_view client : {"kafkajs/", "node-rdkafka/", "_node-rdkafka@", "kafka-node/", "no-kafka/",
                                          "@confluentinc/", "@platformatic/kafka/"})
        if (module.starts_with(client)) return FrameOwner::kafka;
    return FrameOwner::library;
}

// A house that makes a driver often makes a connector too; packages and classes of connectors have usual names.
bool names_a_plugin(std::string_view function) {
    if (function.starts_with("org.apache.kafka.")) return false;
    for (const std::string_view name : {".kafka.connect.", ".connect.kafka.", ".kafka.sink.", ".kafka.source.",
                                        "SinkTask.", "SourceTask.", "SinkConnector.", "SourceConnector."})
        if (function.find(name) != std::string_view::npos) return true;
    return false;
}

// "com.vendor.flink.sink.Writer" of a house that is known for its libraries: what it makes for Flink is a connector.
bool names_a_flink_connector(std::string_view function) {
    return function.find(".flink.") != std::string_view::npos && !function.starts_with("org.apache.flink.");
}

// The last part of a native location: "libfleet_monitor.so+0x1f2" of "/opt/jobs/libfleet_monitor.so+0x1f2".
std::string_view object_of(std::string_view location) {
    const auto slash = location.rfind('/');
    auto name = slash == std::string_view::npos ? location : location.substr(slash + 1);
    return name.substr(0, name.find('+'));
}

// Where no table knows a native frame: a job's shared object is its author's, the engine's program is the engine's.
FrameOwner native_owner(std::string_view object, Component component) {
    if (object.starts_with("libc.so") || object.starts_with("libstdc++") || object.starts_with("libpthread") ||
        object.starts_with("libgcc") || object.starts_with("ld-linux") || object.starts_with("libjvm"))
        return FrameOwner::jdk;
    if (object.starts_with("librocksdb") || object.starts_with("libz") || object.starts_with("libsnappy"))
        return FrameOwner::library;
    if (object.starts_with("medic-engine")) {
        if (component == Component::connect) return FrameOwner::connect;
        if (component == Component::kafka_broker || component == Component::kafka_client) return FrameOwner::kafka;
        return FrameOwner::flink;
    }
    return object.find(".so") != std::string_view::npos ? FrameOwner::user : FrameOwner::library;
}

// A plugin's package is not in any table; in a worker an unknown package is a plugin, in a broker a library.
FrameOwner unknown_owner(Component component) {
    switch (component) {
        case Component::connect: return FrameOwner::connector;
        case Component::kafka_broker: return FrameOwner::library;
        default: return FrameOwner::user;
    }
}

// By the name alone.
std::optional<FrameOwner> named_owner(std::string_view function, Component component) {
    if (const auto relocated = relocated_owner(function)) return *relocated;
    const auto known = known_owner(function);
    if (known != FrameOwner::library) return known;
    if (component == Component::connect && names_a_plugin(function)) return FrameOwner::connector;
    if (component == Component::flink && names_a_flink_connector(function)) return FrameOwner::connector;
    return known;
}

// "WorkerSinkTask.java:624": a frame whose name tells all.
bool is_of_a_class_file(std::string_view location) {
    const auto file = location.substr(0, location.rfind(':'));
    return file.ends_with(".java") || file.ends_with(".scala") || file.ends_with(".kt");
}

// Traces share most of their frames.
FrameOwner remembered_owner(std::string_view function, Component component) {
    constexpr std::size_t names_max = 8'192;
    using Owners = std::unordered_map<std::string, FrameOwner, TextHash, std::equal_to<>>;
    thread_local std::array<Owners, component_count> remembered;
    Owners& owners = remembered[static_cast<std::size_t>(component)];
    if (const auto found = owners.find(function); found != owners.end()) return found->second;
    if (owners.size() >= names_max) owners.clear();
    const auto owner = named_owner(function, component).value_or(unknown_owner(component));
    owners.emplace(function, owner);
    return owner;
}

}  // namespace

std::string_view to_string(FrameOwner owner) {
    switch (owner) {
        case FrameOwner::user: return "user";
        case FrameOwner::connector: return "connector";
        case FrameOwner::flink: return "flink";
        case FrameOwner::kafka: return "kafka";
        case FrameOwner::connect: return "connect";
        case FrameOwner::jdk: return "jdk";
        case FrameOwner::library: return "library";
    }
    return "library";
}

std::string_view to_string(Component component) {
    switch (component) {
        case Component::unknown: return "unknown";
        case Component::flink: return "flink";
        case Component::connect: return "connect";
        case Component::kafka_broker: return "kafka-broker";
        case Component::kafka_client: return "kafka-client";
        case Component::streams: return "streams";
    }
    return "unknown";
}

Component parse_component(std::string_view text) {
    for (const auto component :
         {Component::flink, Component::connect, Component::kafka_broker, Component::kafka_client, Component::streams})
        if (to_string(component) == text) return component;
    return Component::unknown;
}

FrameOwner owner_of(std::string_view function, std::string_view location, const Ownership& ownership) {
    if (starts_with_any(function, ownership.user_prefixes) || starts_with_any(location, ownership.user_prefixes))
        return FrameOwner::user;
    if (starts_with_any(function, ownership.connector_prefixes) ||
        starts_with_any(location, ownership.connector_prefixes))
        return FrameOwner::connector;
    if (is_of_a_class_file(location)) return remembered_owner(function, ownership.component);
    if (location.find(".py") != std::string_view::npos || location.starts_with("<frozen"))
        return python_owner(location);
    if (const auto node = node_owner(location)) return *node;
    if (const auto told = trace::language_owner(function, location)) return *told;
    if (const auto named = named_owner(function, ownership.component)) return *named;
    if (location.find("+0x") != std::string_view::npos) return native_owner(object_of(location), ownership.component);
    return unknown_owner(ownership.component);
}

}  // namespace medic
