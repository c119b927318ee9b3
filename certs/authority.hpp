#pragma once
#include "core/base/result.hpp"
#include "core/base/time.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

// A private CA in a folder, for the TLS between an origin and its edges (design.md §4):
//   ca.pem  ca.key           EC P-256, ten years
//   origin.pem  origin.key   role "origin" in OU, name "origin" in CN; 398 days
//   NAME.pem  NAME.key       an edge: role "edge" in OU, its name in CN; 398 days
//   crl.pem                  what is revoked, signed by the CA
//   issued.txt               every certificate ever issued: serial, role, name, expiry
// Keys are 0600. A file is replaced in one step (a new one, synced, renamed over the old), and a
// certificate is in issued.txt before it exists. Changes are for one process at a time: others are
// refused meanwhile. Errors are texts for the operator.
namespace tidemark::certs
{
using Names = std::span<const std::string>;

// 1 to 63 letters, digits, '-', '_' and '.'; not "origin", "ca" and "crl".
[[nodiscard]] Result<void, std::string> check_edge_name(std::string_view name);

// Makes the folder if it is not there. Refuses one that has a CA.
[[nodiscard]] Result<void, std::string> init(const std::string& folder, Names edges, WallTime now);
// Refuses names that have a certificate which is not revoked.
[[nodiscard]] Result<void, std::string> add(const std::string& folder, Names edges, WallTime now);
// A new key and certificate for each; the old ones stay valid until they expire. "origin" is a name
// here. Refuses names that have none, and those that are revoked.
[[nodiscard]] Result<void, std::string> renew(const std::string& folder, Names names, WallTime now);
[[nodiscard]] Result<void, std::string> renew_all(const std::string& folder, WallTime now);
// Every certificate ever issued under the name. Daemons learn of it when they load crl.pem again.
[[nodiscard]] Result<void, std::string> revoke(const std::string& folder, std::string_view name,
                                               WallTime now);

struct Issued {
    std::string name;
    std::string role;
    std::string serial; // upper-case hex
    WallTime expires{};
    bool revoked = false;
    bool replaced = false; // a later one of this name is there
};
// In the order of issue.
[[nodiscard]] Result<std::vector<Issued>, std::string> list(const std::string& folder);

// When the first certificate in the PEM file `path` expires. For a metric.
[[nodiscard]] Result<WallTime, std::string> expiry_of(const std::string& path);
} // namespace tidemark::certs
