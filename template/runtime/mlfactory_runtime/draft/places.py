"""Countries, and the states that larger ones are made of: names, but not those of persons."""

COUNTRIES = """Afghanistan|Albania|Algeria|Andorra|Angola|Argentina|Armenia|Australia|Austria
|Azerbaijan|Bahamas|Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bhutan|Bolivia
|Bosnia and Herzegovina|Botswana|Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia|Cameroon
|Canada|Cape Verde|Central African Republic|Chad|Chile|China|Colombia|Comoros|Congo|Costa Rica
|Croatia|Cuba|Cyprus|Czech Republic|Czechia|Denmark|Djibouti|Dominica|Dominican Republic|Ecuador
|Egypt|El Salvador|England|Equatorial Guinea|Eritrea|Estonia|Eswatini|Ethiopia|Fiji|Finland|France
|Gabon|Gambia|Georgia|Germany|Ghana|Great Britain|Greece|Grenada|Guatemala|Guinea|Guyana|Haiti
|Honduras|Hong Kong|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Ivory Coast
|Jamaica|Japan|Jordan|Kazakhstan|Kenya|Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|Lesotho|Liberia
|Libya|Liechtenstein|Lithuania|Luxembourg|Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|Mauritania
|Mauritius|Mexico|Moldova|Monaco|Mongolia|Montenegro|Morocco|Mozambique|Myanmar|Namibia|Nepal
|Netherlands|New Zealand|Nicaragua|Niger|Nigeria|North Korea|North Macedonia|Northern Ireland|Norway
|Oman|Pakistan|Panama|Papua New Guinea|Paraguay|Peru|Philippines|Poland|Portugal|Puerto Rico|Qatar
|Romania|Russia|Rwanda|San Marino|Saudi Arabia|Scotland|Senegal|Serbia|Sierra Leone|Singapore
|Slovakia|Slovenia|Somalia|South Africa|South Korea|South Sudan|Spain|Sri Lanka|Sudan|Suriname
|Sweden|Switzerland|Syria|Taiwan|Tajikistan|Tanzania|Thailand|Togo|Trinidad and Tobago|Tunisia
|Turkey|Turkmenistan|Uganda|Ukraine|United Arab Emirates|United Kingdom|United States|Uruguay
|Uzbekistan|Venezuela|Vietnam|Wales|Yemen|Zambia|Zimbabwe"""
STATES = """Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware
|District of Columbia|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana
|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada
|New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon
|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia
|Washington|West Virginia|Wisconsin|Wyoming
|Alberta|British Columbia|Manitoba|New Brunswick|Newfoundland and Labrador|Nova Scotia|Ontario
|Prince Edward Island|Quebec|Québec|Saskatchewan|Northwest Territories|Nunavut|Yukon
|New South Wales|Victoria|Queensland|South Australia|Western Australia|Tasmania|Northern Territory
|Australian Capital Territory
|Baden-Württemberg|Bayern|Berlin|Brandenburg|Bremen|Hamburg|Hessen|Mecklenburg-Vorpommern
|Niedersachsen|Nordrhein-Westfalen|Rheinland-Pfalz|Saarland|Sachsen|Sachsen-Anhalt
|Schleswig-Holstein|Thüringen
|Burgenland|Kärnten|Niederösterreich|Oberösterreich|Salzburg|Steiermark|Tirol|Vorarlberg|Wien
|Aargau|Basel-Stadt|Bern|Freiburg|Genf|Graubünden|Luzern|Neuenburg|Schaffhausen|Solothurn
|St. Gallen|Tessin|Thurgau|Waadt|Wallis|Zug|Zürich
|Bretagne|Normandie|Occitanie|Grand Est|Hauts-de-France|Nouvelle-Aquitaine|Pays de la Loire|Corse
|Auvergne-Rhône-Alpes|Bourgogne-Franche-Comté|Centre-Val de Loire|Provence-Alpes-Côte d'Azur
|Île-de-France
|Andalucía|Aragón|Asturias|Cantabria|Castilla y León|Castilla-La Mancha|Cataluña|Extremadura
|Galicia|La Rioja|Madrid|Murcia|Navarra|País Vasco|Valencia
|Abruzzo|Basilicata|Calabria|Campania|Emilia-Romagna|Lazio|Liguria|Lombardia|Marche|Molise|Piemonte
|Puglia|Sardegna|Sicilia|Toscana|Umbria|Veneto
|Andhra Pradesh|Assam|Bihar|Chhattisgarh|Delhi|Goa|Gujarat|Haryana|Himachal Pradesh|Jharkhand
|Karnataka|Kerala|Madhya Pradesh|Maharashtra|Manipur|Odisha|Punjab|Rajasthan|Tamil Nadu|Telangana
|Uttar Pradesh|Uttarakhand|West Bengal
|Acre|Alagoas|Bahia|Ceará|Goiás|Maranhão|Mato Grosso|Minas Gerais|Pará|Paraná|Pernambuco
|Rio de Janeiro|Rio Grande do Sul|Santa Catarina|São Paulo|Sergipe|Tocantins"""
PLACES = frozenset(
    name.strip().casefold() for names in (COUNTRIES, STATES) for name in names.split("|")
)
