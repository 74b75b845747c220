<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>tray</name>
    <message numerus="yes">
        <source>%n page(s) came back damaged from VRAM.</source>
        <translation>
            <numerusform>One page came back damaged from VRAM.</numerusform>
            <numerusform>%n pages came back damaged from VRAM.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n checks are fine</source>
        <translation>
            <numerusform>%n check is fine</numerusform>
            <numerusform>%n checks are fine</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n things are missing before VRAM can be lent.</source>
        <translation>
            <numerusform>One thing is missing before VRAM can be lent.</numerusform>
            <numerusform>%n things are missing before VRAM can be lent.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n more checks</source>
        <translation>
            <numerusform>%n more check</numerusform>
            <numerusform>%n more checks</numerusform>
        </translation>
    </message>
</context>
</TS>
