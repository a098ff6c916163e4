// Whose code a stack frame belongs to: what separates "your function threw" from "the engine threw".
// Decided from the frame's package (or shared object), never from the exception's class.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace medic {

enum class FrameOwner : std::uint8_t {
    user,       // The job's own code.
    connector,  // A Flink or Kafka Connect connector, converter, transform or format.
    flink,      // Flink itself, or the embedded flow engine.
    kafka,      // Kafka's clients and brokers, or the embedded broker.
    connect,    // The Connect runtime, or the embedded worker.
    jdk,        // The language's own library (java.*, Python's and C++'s standard library).
    library,    // Anything else that somebody else wrote.
};
[[nodiscard]] std::string_view to_string(FrameOwner owner);

// Which product a text comes from; decides what an unknown package means.
enum class Component : std::uint8_t { unknown, flink, connect, kafka_broker, kafka_client, streams };
inline constexpr std::size_t component_count = 6;
[[nodiscard]] std::string_view to_string(Component component);
[[nodiscard]] Component parse_component(std::string_view text);  // unknown for anything else.

// Packages learnt from the job's jars, connector plugins and configuration; they win over the built-in table.
struct Ownership {
    std::vector<std::string> user_prefixes = {};  // "com.acme.", or a shared object: "libfleet_monitor.so".
    std::vector<std::string> connector_prefixes = {};
    Component component = Component::unknown;
};

// `function` is the qualified name ("com.acme.Enrich.map", "fleet::Enrich::map(…)"), `location` what stands in
// brackets.
[[nodiscard]] FrameOwner owner_of(std::string_view function, std::string_view location, const Ownership& ownership);

}  // namespace medic
