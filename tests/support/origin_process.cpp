#include "tests/support/origin_process.hpp"

#include "tests/support/raw_client.hpp"

#include <charconv>
#include <filesystem>

namespace tidemark::support
{
namespace
{
void make_certificates(const std::string& directory, const std::vector<std::string>& edges)
{
    std::string names;
    for (const std::string& edge : edges)
        names += (names.empty() ? "" : ",") + edge;
    const ProgramResult made = run_tidemark({"certs", "init", directory, "--edges", names});
    if (made.exit_code != 0) throw std::runtime_error("tidemark certs init: " + made.err);
}

void copy_over(const std::string& from, const std::string& to)
{
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

std::size_t occurrences(std::string_view text, std::string_view part)
{
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size()))
        ++count;
    return count;
}

std::string without_spaces(std::string text)
{
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
}
} // namespace

OriginProcess::OriginProcess(const std::vector<std::string>& edges,
                             const std::vector<std::string>& args)
{
    make_certificates(certs(), edges);
    std::vector<std::string> all{"origin",
                                 "--admin",
                                 admin_.endpoint().listen_flag(),
                                 "--link",
                                 link().listen_flag(),
                                 "--data",
                                 data(),
                                 "--certs",
                                 certs()};
    all.insert(all.end(), args.begin(), args.end());
    begin(std::move(all), {link(), admin_.endpoint()});
}

std::vector<std::string> OriginProcess::flags_for(const std::string& name,
                                                  const std::vector<std::string>& more,
                                                  std::uint16_t through) const
{
    Endpoint origin = link();
    if (through != 0) origin.port = through;
    std::vector<std::string> flags{"--name",  name,    "--origin", origin.authority(),
                                   "--certs", certs(), "--data",   data_of(name)};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
}

std::string OriginProcess::data_of(const std::string& edge) const
{
    return dir_.path("edge-" + edge);
}

void OriginProcess::back_up()
{
    copy_over(data(), dir_.path("backup"));
}

void OriginProcess::restore_backup()
{
    copy_over(dir_.path("backup"), data());
}

Message OriginProcess::purge(std::string_view body, int wait_s, Deadline deadline) const
{
    Fields fields{{"Content-Type", "application/json"}};
    if (wait_s > 0) fields.push_back({"Prefer", "wait=" + std::to_string(wait_s)});
    RawClient client(admin());
    client.send_request("POST", "/v1/purge", fields, body);
    return client.read_response("POST", deadline);
}

void OriginProcess::wait_for_edges(std::size_t count, Deadline deadline) const
{
    const bool there = poll_until(deadline, [&] {
        const Message answer = ask_admin("GET", "/v1/edges");
        return occurrences(without_spaces(answer.body), R"("connected":true)") >= count;
    });
    if (!there) throw Timeout(std::to_string(count) + " edges; the origin's log: " + log());
}

std::uint64_t version_in(const Message& answer)
{
    constexpr std::string_view kName = R"("version":)";
    const std::string text = without_spaces(answer.body);
    const std::size_t at = text.find(kName);
    std::uint64_t version = 0;
    if (at == std::string::npos ||
        std::from_chars(text.data() + at + kName.size(), text.data() + text.size(), version).ec !=
            std::errc{})
        throw std::runtime_error("no version in: " + answer.body);
    return version;
}
} // namespace tidemark::support
