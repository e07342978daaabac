%% SPDX-License-Identifier: Apache-2.0
%% A real Erlang for etf_live.py: one command a line on standard input, one answer a line on standard output.
%%   encode TERM.        its plain, compressed and UTF-8-atom encodings, in hex
%%   check HEX TERM.     "ok" if HEX decodes in safe mode to TERM, else what is wrong
%% Safe mode refuses atoms this Erlang has not seen, so HEX is decoded before TERM is parsed; the atoms a peer of the
%% link protocol is known to have are named below.

main(_) ->
    _Known = [message, undefined, true, false, dup, retain, sys, nl, properties, client_attrs, peername, peerhost,
              proto_ver, protocol, username, mqtt, ok, error, http_api, '$op', 'Payload-Format-Indicator',
              'Message-Expiry-Interval', 'Content-Type', 'Response-Topic', 'Correlation-Data', 'User-Property'],
    io:setopts([{encoding, latin1}]),
    loop().

loop() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            io:put_chars([answer(string:trim(Line)), "\n"]),
            loop()
    end.

answer("encode " ++ Text) ->
    Term = parse(Text),
    Encodings = [term_to_binary(Term), term_to_binary(Term, [compressed]), term_to_binary(Term, [{minor_version, 2}])],
    lists:join(" ", [hex(Bytes) || Bytes <- Encodings]);
answer("check " ++ Rest) ->
    [Hex, Text] = string:split(Rest, " "),
    try binary_to_term(unhex(Hex), [safe]) of
        Term ->
            case parse(Text) of
                Term -> "ok";
                Expected -> io_lib:format("decoded ~0p instead of ~0p", [Term, Expected])
            end
    catch
        _:_ -> "refused by binary_to_term in safe mode"
    end.

parse(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.

hex(Bytes) -> [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Bytes].

unhex(Text) -> list_to_binary([list_to_integer([A, B], 16) || {A, B} <- pairs(Text)]).

pairs([A, B | Rest]) -> [{A, B} | pairs(Rest)];
pairs([]) -> [].
