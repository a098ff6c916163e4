// The jars of the real products: fetched from Maven Central by the pom files in tests/live/maven, kept in ~/.m2. Also
// compiles our own job and connector against them. Only for medic-live.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace medic::live {

using Progress = std::function<void(const std::string& line)>;

// Programs found in PATH; Java is 17 or newer.
struct Toolchain {
    std::string java, javac, jar, maven;
};
// Errors: not_ready, with what to install.
[[nodiscard]] Result<Toolchain> find_toolchain();

// A pair of products that is tried together.
struct Pair {
    std::string kafka, flink;
    bool zookeeper = false;           // Kafka keeps its metadata in ZooKeeper, as before KRaft.
    bool flat_configuration = false;  // Flink reads flink-conf.yaml, as before 1.19, instead of config.yaml.
    [[nodiscard]] std::string name() const { return kafka + "+" + flink; }
};
// "3.9.1+1.20.1", "4.1.0+2.0.0" or "3.6.2+1.17.2". Errors: invalid, with the pairs that exist.
[[nodiscard]] Result<Pair> find_pair(const std::string& name);

// Where class paths and our own compiled jars are kept between runs.
[[nodiscard]] std::string cache_folder();

// The class path of "kafka-3.9.1" or "flink-2.0.0"; asks Maven where the cache has none or a jar is missing.
[[nodiscard]] Result<std::string> class_path(const Toolchain& tools, const std::string& product,
                                             const Progress& progress);

struct Compile {
    std::string name;        // Of the jar, without its ending: "orders-flink-1.20.1".
    std::string folder;      // Under tests/live: "job".
    std::string class_path;  // What it is compiled against.
};
// The path of the jar; compiled anew where a source is younger.
[[nodiscard]] Result<std::string> compile(const Toolchain& tools, const Compile& what);

}  // namespace medic::live
